"""The actions behind buttons: one table that presses are routed by; whatever is not in it does nothing."""

from handlers.telegram.commands import (
    access,
    checkpoints,
    closing,
    health,
    hearing,
    importing,
    learning,
    machine,
    record,
    reports,
    signals,
)
from handlers.telegram.desk import Action
from handlers.telegram.paging import PAGE
from handlers.telegram.reception import LEAVE, leave, turn_page
from storage.users import Role

ACTIONS: tuple[Action, ...] = (
    Action(PAGE, Role.SUBSCRIBER, turn_page),
    Action(LEAVE, Role.SUBSCRIBER, leave),
    *signals.ACTIONS,
    *hearing.ACTIONS,
    *record.ACTIONS,
    *reports.ACTIONS,
    *access.ACTIONS,
    *checkpoints.ACTIONS,
    *closing.ACTIONS,
    *machine.ACTIONS,
    *health.ACTIONS,
    *importing.ACTIONS,
    *learning.ACTIONS,
)
