"""The pretend Sendblue."""

from sandbox.sendblue.faults import SendblueFaults
from sandbox.sendblue.pretend import PretendSendblue
from sandbox.sendblue.records import PhoneMessage
from sandbox.traffic import ApiCall

__all__ = ["ApiCall", "PhoneMessage", "PretendSendblue", "SendblueFaults"]
