"""The menu: which screens there are, in which order, and which of them a visitor may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, current_app, request, url_for

from gateway.review.pages.language import mark
from gateway.review.permit import Action, may
from gateway.values import Role


@dataclass(frozen=True, slots=True)
class Item:
    """A screen in the menu: its page, its name in words to be translated, and what whoever opens it must be allowed."""

    endpoint: str
    words: str
    action: Action = Action.SEE

    @property
    def room(self) -> str:
        """Return the page module that the screen is in."""
        return self.endpoint.partition(".")[0]

    @property
    def url(self) -> str:
        """Return the screen's address."""
        return url_for(self.endpoint)

    @property
    def is_current(self) -> bool:
        """Tell whether the page shown now is this screen, or belongs under it."""
        room = (request.endpoint or "").partition(".")[0]
        return self.room == UNDER.get(room, room)


@dataclass(frozen=True, slots=True)
class Group:
    """Screens that stand together, under a heading if they have one."""

    heading: str
    items: tuple[Item, ...]


MENU = (
    Group(
        "",
        (
            Item("month.show_month", mark("This month")),
            Item("queue.show_queue", mark("Review")),
            Item("reports.show_reports", mark("Reports")),
            Item("messages.show_messages", mark("Messages")),
        ),
    ),
    Group(
        mark("Registry"),
        (
            Item("facilities.show_facilities", mark("Facilities")),
            Item("reporters.show_reporters", mark("Midwives")),
        ),
    ),
    Group(
        mark("Work"),
        (
            Item("calendar.show_calendar", mark("Calendar")),
            Item("reminders.show_reminders", mark("Reminders")),
            Item("broadcasts.show_broadcasts", mark("Broadcasts"), Action.BROADCAST),
            Item("phone.show_start", mark("Training")),
        ),
    ),
    Group(
        mark("Hand on"),
        (
            Item("exports.show_exports", mark("Exports"), Action.EXPORT),
            Item("typing.show_typing", mark("Typing into SIGA"), Action.EXPORT),
            Item("destinations.show_destinations", mark("DHIS2"), Action.PUSH),
            Item("klikkb.show_klikkb", mark("Klik-KB"), Action.PUSH),
            Item("open_figures.show_open_figures", mark("Public figures"), Action.SET),
            Item("tokens.show_tokens", mark("API"), Action.ADMINISTER),
            Item("hooks.show_hooks", mark("Webhooks"), Action.ADMINISTER),
        ),
    ),
    Group(
        mark("Settings"),
        (
            Item("status.show_status", mark("Status"), Action.ADMINISTER),
            Item("channels.show_channels", mark("Channels"), Action.ADMINISTER),
            Item("thresholds.show_thresholds", mark("Thresholds"), Action.SET),
            Item("wordings.show_wordings", mark("Wordings"), Action.ADMINISTER),
            Item("aliases.show_aliases", mark("Words for the reader"), Action.PROPOSE),
            Item("users.show_users", mark("Users"), Action.ADMINISTER),
            Item("audit.show_audit", mark("Audit"), Action.ADMINISTER),
            Item("privacy.show_privacy", mark("Personal data"), Action.ADMINISTER),
        ),
    ),
)
# The pages that have no place in the menu, by the screen that they stand under.
UNDER = {
    "missing": "month",
    "stock": "month",
    "batches": "month",
    "report": "reports",
    "enter": "reports",
    "compare": "reports",
    "thread": "messages",
    "rereading": "messages",
    "registrations": "reporters",
    "forgetting": "reporters",
    "assignments": "reporters",
    "refusing": "reporters",
    "imports": "facilities",
    "merging": "facilities",
    "areas": "facilities",
    "closing": "calendar",
    "outages": "calendar",
    "reminded": "reminders",
    "ladder": "reminders",
    "pauses": "reminders",
    "export_choices": "exports",
    "mappings": "destinations",
    "pushes": "destinations",
    "agreements": "klikkb",
    "trial": "channels",
    "klikkb_files": "klikkb",
}


def teach(app: Flask) -> None:
    """Let the application's templates ask for the menu, and whether a page is there to be linked to."""
    app.jinja_env.globals |= {"menu": find_menu, "has_page": has_page}


def has_page(endpoint: str) -> bool:
    """Tell whether the application has this page."""
    return endpoint in current_app.view_functions


def find_menu(role: Role | str) -> tuple[Group, ...]:
    """Return the menu for a role: only what it may open, and no heading over nothing."""
    found = (
        Group(group.heading, tuple(item for item in group.items if has_page(item.endpoint) and may(role, item.action)))
        for group in MENU
    )
    return tuple(group for group in found if group.items)
