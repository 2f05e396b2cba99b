"""A `Progress` that keeps what it is told."""


class Verdicts(list[tuple[str, int, int]]):
    """What, done and total of each call; a list of the calls."""

    def __call__(self, what: str, done: int, total: int, /, note: str = "") -> None:
        self.append((what, done, total))
