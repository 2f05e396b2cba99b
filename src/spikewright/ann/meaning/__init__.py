"""What each operation of a captured network computes, by torch's own functions: a family a file.

A rule is called with the operation, its inputs [N, *], its arrays by role, and whether batch norm is training.
It shares no code with the operations or the engines, which it is there to check.
"""

from collections.abc import Callable

from torch import Tensor

Meaning = Callable[..., Tensor]
