"""Long answers as pages with buttons; a page is turned by asking the same question again, so nothing is kept for it."""

from dataclasses import replace

from handlers.telegram.buttons import Mint, in_36
from handlers.telegram.catalogue import Markup, joined
from handlers.telegram.desk import Answer, Asked
from services.post import Button
from services.split import units

PAGE = "page"
PAGE_LINES = 32
PAGE_UNITS = 3000  # UTF-16 units as Telegram counts them, with room for what stands around a page
PRE, PRE_END = "<pre>", "</pre>"


def pages(html: Markup) -> tuple[Markup, ...]:
    """`html`, whose tags but <pre> end on their line, cut between lines; a table that is cut goes on as a table."""
    found: list[str] = []
    lines: list[str] = []
    used, in_table = 0, False
    for line in html.split("\n"):
        if lines and (len(lines) >= PAGE_LINES or used + units(line) > PAGE_UNITS):
            found.append("\n".join(lines) + (PRE_END if in_table else ""))
            lines, used = [], 0
            if in_table:
                line = PRE + line
        lines.append(line)
        used += units(line) + 1
        in_table = (in_table or PRE in line) and not line.endswith(PRE_END)
    found.append("\n".join(lines))
    return tuple(map(Markup, found))


def paged(answer: Answer, asked: Asked, message_id: int, page: int, mint: Mint) -> Answer:
    """The page of an answer, counted from 1, with buttons to its neighbours; a short answer as it is.

    `message_id` is that of the question, by which the buttons find it again.
    """
    parts = pages(answer.html)
    if len(parts) == 1:
        return answer
    page = min(max(page, 1), len(parts))
    owner = asked.user.telegram_id

    def turn(key: str, to: int) -> Button:
        return mint.button(asked.say(key), PAGE, f"{in_36(message_id)}.{to}", owner)

    row = [turn("button.back", page - 1)] if page > 1 else []
    row += [turn("button.next", page + 1)] if page < len(parts) else []
    foot = asked.say("page.of", page=page, pages=len(parts))
    rows = (*answer.buttons, tuple(row))
    return replace(answer, html=joined([parts[page - 1], foot]), buttons=rows)
