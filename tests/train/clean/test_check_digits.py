"""Check digits against published examples; no number here belongs to anyone."""

from __future__ import annotations

import pytest

from train.clean.check_digits import bank_card, hong_kong_id, iban, mainland_id, taiwan_id

RIGHT = [
    (mainland_id, "11010519491231002X"),  # GB 11643's own example
    (mainland_id, "440524188001010014"),
    (taiwan_id, "A123456789"),
    (hong_kong_id, "AB987654(3)"),
    (bank_card, "4111 1111 1111 1111"),
    (bank_card, "5500-0000-0000-0004"),
    (iban, "DE89 3704 0044 0532 0130 00"),
    (iban, "GB82WEST12345698765432"),
]


@pytest.mark.parametrize(("check", "value"), RIGHT)
def test_an_example_passes_and_a_slip_does_not(check, value):
    """Any other last digit is refused."""
    assert check(value)
    at = max(index for index, char in enumerate(value) if char.isdigit())
    others = [digit for digit in "0123456789" if digit != value[at]]
    assert not any(check(value[:at] + digit + value[at + 1 :]) for digit in others)


@pytest.mark.parametrize("value", ["2024010212345676", "0000000000000000", "1111111111111117"])
def test_numbers_of_no_card_network_are_no_cards(value):
    """Luhn's sum fits every tenth order number; what begins like a date is none."""
    assert not bank_card(value)
