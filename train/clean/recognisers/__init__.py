"""What personal data looks like, kind by kind.

base        the recogniser, the kinds, and pieces of patterns
network     links with keys, mail, network addresses
secrets     passwords and codes
identity    identity cards, passports, plates
bank        cards and accounts
phones      phone numbers
addresses   where somebody lives
accounts    WeChat, LINE, QQ, Telegram and others
"""

from train.clean.recognisers.accounts import ACCOUNTS
from train.clean.recognisers.addresses import ADDRESSES, LED_BY
from train.clean.recognisers.bank import BANK
from train.clean.recognisers.base import HIGH_RISK, KINDS, Kind, Recogniser
from train.clean.recognisers.identity import IDENTITY
from train.clean.recognisers.network import NETWORK
from train.clean.recognisers.phones import PHONES
from train.clean.recognisers.secrets import SECRETS

# In this order: what an earlier one has found is not looked at again.
RECOGNISERS: tuple[Recogniser, ...] = (
    *NETWORK,
    *SECRETS,
    *IDENTITY,
    *BANK,
    *PHONES,
    *ADDRESSES,
    *ACCOUNTS,
)

__all__ = ["HIGH_RISK", "KINDS", "LED_BY", "RECOGNISERS", "Kind", "Recogniser"]
