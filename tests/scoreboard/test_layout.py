"""Where the numbers of a board lie."""

from itertools import pairwise

from wsgi_scgi.scoreboard import layout


def test_everything_is_whole_words() -> None:
    for capacity in (1, 2, 7):
        for size in (layout.row_size(capacity), layout.pool_size(capacity, 3), layout.TEXT_SIZE):
            assert size % layout.WORD == 0


def test_a_row_has_a_word_of_each_kind_for_each_place() -> None:
    assert layout.row_size(5) == 5 * layout.row_size(1) == 5 * 8 * len(layout.ROW_COLUMNS)


def test_a_pool_is_its_words_its_columns_its_texts_and_its_rows() -> None:
    words = len(layout.WORDS) + 5 * len(layout.MEMBER_COLUMNS)
    assert layout.pool_size(5, 3) == 8 * words + 5 * layout.TEXT_SIZE + 3 * layout.row_size(5)


def test_the_longest_texts_fit_with_their_ends() -> None:
    assert layout.URL_SIZE + 2 * layout.ROUTE_SIZE + 3 <= layout.TEXT_SIZE


def test_the_bounds_of_the_histogram_rise_and_each_has_its_column() -> None:
    assert all(low < high for low, high in pairwise(layout.BUCKETS))
    buckets = [name for name in layout.ROW_COLUMNS if name.startswith("bucket_")]
    assert buckets == [f"bucket_{number}" for number in range(len(layout.BUCKETS) + 1)]
    assert {f"status_{number}xx" for number in (1, 2, 3, 4, 5)} <= layout.ROW_COLUMNS.keys()
