"""Terms put together, and rows, against plain tensor arithmetic."""

import pytest
import torch

from spikewright.engines.int8.terms import Form, Term, alike, constant_rows, empty, laid_out, rows, value


def test_a_value_is_the_sum_of_its_terms() -> None:
    x, y = torch.randint(0, 9, (2, 3, 4, 5)), torch.randint(-9, 9, (2, 3, 4, 5)).float()
    gain = torch.tensor([1.0, 2.0, -3.0]).reshape(3, 1, 1)
    terms = (Term(most=9, factor=gain), Term(most=9, dtype=torch.float32))
    form = Form(shape=(3, 4, 5), terms=terms, offset=torch.tensor(7.0))
    assert not form.plain
    assert torch.equal(value(form, (x, y), torch.float64), x * gain.double() + y.double() + 7)
    more = form.scaled(torch.tensor(4.0), torch.tensor(1.0))
    assert torch.equal(value(more, (x, y), torch.float64), 4 * (x * gain.double() + y.double() + 7) + 1)


def test_plain_values_are_passed_on() -> None:
    form = Form(shape=(3,), terms=(Term(most=9),)).scaled(torch.ones(1), None)
    assert form.plain
    assert torch.equal(value(form, (torch.tensor([[1, 2, 3]]),), torch.float32), torch.tensor([[1.0, 2.0, 3.0]]))


@pytest.mark.parametrize("shape", [(3, 4, 5), (3, 1, 1), (1, 4, 5), (3, 4), (6,), ()])
@pytest.mark.parametrize("batch", [1, 2])
def test_rows_meet_their_constants(shape: tuple[int, ...], batch: int) -> None:
    x = laid_out(torch.randn(batch, *shape))
    constant = torch.randn(shape)
    table = constant_rows(constant, shape, 0.0)
    view = rows(x)
    expected = rows(laid_out(x + constant)).double()
    found = view.double() + table.repeat(len(view) // len(table), 1)
    torch.testing.assert_close(found, expected)
    out = empty(batch, shape, torch.float32)
    rows(out).copy_(view)
    assert torch.equal(out, x)


def test_one_kind_of_row_is_one_row() -> None:
    by_channel = constant_rows(torch.arange(3.0).reshape(3, 1, 1), (3, 2, 2), 0.0)
    even = constant_rows(None, (3, 2, 2), 1.0)
    uneven = constant_rows(torch.arange(4.0).reshape(1, 2, 2), (3, 2, 2), 0.0)
    assert [len(table) for table in alike([by_channel, even])] == [1, 1]
    assert [len(table) for table in alike([by_channel, uneven])] == [4, 4]
