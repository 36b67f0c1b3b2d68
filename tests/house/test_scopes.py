"""What a page asks the store for is asked within the visitor's area: every question has a scope, or stands here."""

from __future__ import annotations

import ast
from functools import cache

from tests.house.source import Module, dotted, functions_of, read_modules

# Modules of the store whose rows belong to no area, or to the visitor alone; and single questions of the others.
OF_NO_AREA = {
    "gateway.store.base",
    "gateway.store.factors",  # the visitor's own proofs, or those of a user that was found within the scope
    "gateway.store.visits",
    "gateway.store.invitations",
}
NO_SCOPE_NEEDED = {
    "areas.names_of": "names of areas are public",
    "audience.find_routes": "which channels there are, and whose",
    "audit.record": "it adds only",
    "broadcasts.queue_piece": "of a broadcast that was found within the scope; its audience keeps to its area",
    "way_back.find_way_back": "which channel writes to the sender of a message that was found within the scope",
    "channel_health.health_of": "of channels that were found within the scope",
    "channels.prices_of": "what an SMS costs",
    "outbox.segments_gone": "a count, of a channel that was found within the scope",
    "spending.spending_of": "what channels cost that were found within the scope",
    "spending.left_for_reminders": "what is left of budgets of channels that may be written by",
    "channels.last_tick": "whether the clock runs",
    "strangers.count_answered": "a count, of what the whole house may answer in an hour",
    "months.take_turn": "no question",
    "months.wait_for_closings": "no question",
    "totals.has_unsummed": "whether something is still summed up, anywhere",
    "totals.recount": "it marks what is to be summed up again, in an area that was found within the scope",
    "totals.recount_outage": "it marks what is to be summed up again, of an outage that was found within the scope",
    "totals.refresh_reports": "it sums up what this transaction has changed, and shows nothing",
    "totals.refresh_areas": "it marks what is to be summed up again, and shows nothing",
    "erasures.find_by_id": "of a reporter whose every place was found within the scope",
    "imports.keep_import": "the visitor's own file",
    "retention.chosen": "how long this house keeps what",
    "tokens.find_by_secret": "the door: by a token",
    "tokens.note_use": "of the token itself",
    "tokens.find_posted": "what this very token posted",
    "tokens.keep_posted": "it adds only, to what this very token posted",
    "vitals.count_by_hour": "how many messages came and went, of channels that were found within the scope",
    "users.add_user": "the page checks what may be given, and the area lies within its own",
    "users.count_administrators": "a count, so that one is left",
    "users.find_by_login": "the door: nobody is signed in yet",
    "users.find_demo_users": "sample users of a demonstration",
    "users.find_user": "the door: by a token or a password",
    "users.set_language": "of the visitor themself",
    "users.set_name": "of the visitor themself",
}

HELD = ("gateway.review.pages.", "gateway.review.decide", "gateway.review.undo", "gateway.publish.")
PHONE = {"board", "phone", "stage"}  # the training phone: its own database, or the simulator's messages alone
OF_THE_PHONE = {
    *("inbox.find_by_id", "inbox.find_message", "inbox.latest_messages", "facilities.get_facilities"),
    *("outbox.latest_to", "reporters.find_by_channel", "reporters.find_by_phones", "reports.latest_reports"),
}
DECIDING = {"decide", "undo"}  # each begins by finding its report within the scope, and goes on with that one
OF_A_FOUND_REPORT = {
    *("audit.record_all", "decisions.add", "decisions.latest_of", "decisions.move", "decisions.move_all"),
    *("decisions.set_undone", "facilities.get_facilities", "outbox.add", "outbox.withhold", "questions.ask"),
    *("questions.close", "questions.of_reports", "questions.open_questions", "questions.reopen"),
    *("reports.find_reading", "reports.revisions", "wordings.sentences_around"),
}
ONLY_THERE = [  # which modules may ask what without a scope
    (PHONE, OF_THE_PHONE),
    (DECIDING, OF_A_FOUND_REPORT),
    ({"case", "queue"}, {"reports.revisions", "questions.latest_of_reports"}),  # of reports found within the scope
    ({"merging", "registrations"}, {"inbox.latest_messages"}),  # from the phones of somebody found within it
    ({"typing"}, {"settled.values_of"}),  # of the reports of a facility found within it
]


@cache
def store_functions() -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """Return the public functions of the store, as `inbox.find_by_id`."""
    return {
        f"{module.name.removeprefix('gateway.store.')}.{function.name}": function
        for module in read_modules("gateway")
        if module.name.startswith("gateway.store.") and module.name not in OF_NO_AREA
        for function in functions_of(module)
        if function in module.tree.body and not function.name.startswith("_") and "session" in parameters_of(function)
    }


def parameters_of(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    """Return the names that a function takes."""
    return {one.arg for one in (*function.args.kwonlyargs, *function.args.args)}


def calls_of_store(module: Module) -> list[tuple[str, ast.Call]]:
    """Return each call of a function of the store, by its name there, whatever it is called in the module."""
    names: dict[str, str] = {}
    for node in module.tree.body:
        if isinstance(node, ast.ImportFrom) and node.module == "gateway.store":
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("gateway.store."):
            room = str(node.module).removeprefix("gateway.store.")
            names |= {alias.asname or alias.name: f"{room}.{alias.name}" for alias in node.names}
    found = []
    for call in ast.walk(module.tree):
        if isinstance(call, ast.Call):
            head, _, rest = dotted(call.func).partition(".")
            name = f"{names.get(head, '')}.{rest}".strip(".") if head in names else ""
            if name in store_functions():
                found.append((name, call))
    return found


def test_pages_ask_the_store_within_a_scope() -> None:
    unscoped = []
    for module in read_modules("gateway"):
        if not module.name.startswith(HELD):
            continue
        for name, call in calls_of_store(module):
            is_scoped = parameters_of(store_functions()[name]) & {"scope", "user_id"}  # an area's rows, or one's own
            room = module.name.rpartition(".")[2]
            is_excused = name in NO_SCOPE_NEEDED or any(room in rooms and name in these for rooms, these in ONLY_THERE)
            if not is_scoped and not is_excused:
                unscoped.append(f"{module.at(call.lineno)} {name}")
    assert not unscoped, (
        "give the function a `scope` that its WHERE holds, or say here why it needs none:\n"
        + "\n".join(sorted(unscoped))
    )


def test_a_scope_that_is_taken_is_used() -> None:
    idle = [
        name
        for name, function in store_functions().items()
        if "scope" in parameters_of(function)
        and not any(isinstance(node, ast.Name) and node.id == "scope" for node in ast.walk(function))
    ]
    assert not idle, f"`scope` is asked for, and then forgotten: {idle}"


def test_nothing_is_excused_that_is_not_there() -> None:
    excused = {*NO_SCOPE_NEEDED}.union(*(these for _, these in ONLY_THERE))
    assert excused - set(store_functions()) == set()
