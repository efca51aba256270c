"""Which rows and pairs a figure shows."""

from figures.tiny import DIGITS, GREY
from keras_vae.figures.examples import pick_pairs, pick_rows


def test_rows_go_through_the_labels_in_turn():
    rows = pick_rows(DIGITS, 7, seed=1)
    assert DIGITS.y_test[rows].tolist() == [0, 1, 2, 0, 1, 2, 0]
    assert len(set(rows)) == 7
    assert pick_rows(DIGITS, 7, seed=2).tolist() != rows.tolist()
    assert sorted(pick_rows(DIGITS, 99, seed=1)) == list(range(36))
    assert len(set(pick_rows(GREY, 20, seed=1))) == 20


def test_pairs_have_one_label_where_asked():
    pairs = pick_pairs(DIGITS, 3, seed=0, same_label=True)
    assert DIGITS.y_test[pairs].tolist() == [[0, 0], [1, 1], [2, 2]]
    assert (pairs[:, 0] != pairs[:, 1]).all()
    assert DIGITS.y_test[pick_pairs(DIGITS, 3, seed=0, same_label=False)].tolist() == [
        [0, 1], [2, 0], [1, 2]
    ]  # fmt: skip
    assert pick_pairs(GREY, 99, seed=0, same_label=True).shape == (18, 2)
