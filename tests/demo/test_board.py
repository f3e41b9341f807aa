"""The board passes only when something was checked and everything held."""

from hypothesis import given
from hypothesis import strategies as st

from api.demo.board import Board, percentile


def test_nothing_checked_is_not_success() -> None:
    assert not Board(quiet=True).all_held


def test_one_failed_check_fails_all() -> None:
    board = Board(quiet=True)
    board.check("a", held=True, found="yes")
    assert board.all_held
    board.check("b", held=False, found="no")
    board.check("c", held=True, found="yes")
    assert not board.all_held


@given(st.lists(st.integers(-1000, 1000), min_size=1), st.integers(1, 1000))
def test_a_percentile_is_the_smallest_value_that_covers_its_share(values, per_mille) -> None:
    found = percentile(values, per_mille)
    assert found in values
    assert sum(value <= found for value in values) * 1000 >= per_mille * len(values)
    assert sum(value < found for value in values) * 1000 < per_mille * len(values)


def test_a_board_draws_its_steps_and_tables() -> None:
    board = Board()
    with board.drawing(), board.step("working", 2) as step:
        step.advance()
        step.reach(2, 2)
    board.check("a", held=True, found="yes")
    board.figure("orders", "1")
    with board.console.capture() as captured:
        board.show()
    assert "holds" in captured.get()
    assert "orders" in captured.get()
