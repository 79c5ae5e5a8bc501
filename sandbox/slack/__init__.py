"""The pretend Slack."""

from sandbox.slack.faults import SlackFaults
from sandbox.slack.pretend import PretendSlack
from sandbox.slack.records import CommandAnswer, Ephemeral, SlackMessage, SlackRefusalError, View
from sandbox.traffic import ApiCall

__all__ = [
    "ApiCall",
    "CommandAnswer",
    "Ephemeral",
    "PretendSlack",
    "SlackFaults",
    "SlackMessage",
    "SlackRefusalError",
    "View",
]
