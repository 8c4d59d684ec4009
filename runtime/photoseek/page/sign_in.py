"""Page that asks for the token; it reveals nothing about the gallery."""

from __future__ import annotations

from html import escape

from photoseek.page.strings import CATALOGUES

_PAGE = """<!doctype html>
<html lang="{code}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>photoseek</title>
<link rel="icon" href="data:,">
<style>
:root {{ --accent: light-dark(#0f766e, #2dd4bf); --on: light-dark(#fff, #042f2b); }}
body {{
  margin: 0; min-height: 100vh; display: grid; place-items: center;
  font: 1rem/1.5 system-ui, sans-serif; color: light-dark(#262730, #fafafa); background: light-dark(#fff, #0e1117);
}}
main {{ box-sizing: border-box; width: 100%; max-width: 30rem; padding: 1.5rem; }}
h1 {{ font-size: 1.9rem; font-weight: 750; letter-spacing: -0.03em; line-height: 1.2; margin: 0 0 0.6rem; }}
p {{ margin: 0 0 1.2rem; }}
form {{ display: flex; flex-wrap: wrap; gap: 0.6rem; }}
label {{ flex-basis: 100%; font-size: 0.875rem; }}
input, button {{ font: inherit; padding: 0.5rem 0.8rem; border-radius: 0.5rem; }}
input {{
  flex: 1 1 12rem; min-width: 0; border: 1px solid light-dark(#8a8d93, #6b7078);
  background: transparent; color: inherit;
}}
button {{ border: 1px solid var(--accent); background: var(--accent); color: var(--on); cursor: pointer; }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
[role=alert] {{ flex-basis: 100%; margin: 0; font-size: 0.875rem; color: light-dark(#b45309, #fbbf24); }}
</style>
</head>
<body>
<main>
<h1>photoseek</h1>
<p>{text}</p>
<form method="post" action="">
<label for="token">{label}</label>
<input id="token" name="token" type="password" autocomplete="off" spellcheck="false" required autofocus>
<button>{button}</button>
{wrong}</form>
</main>
</body>
</html>
"""


def page(language: str, *, wrong: bool) -> str:
    """Return the page as HTML.

    Args:
        language: Value of ``Accept-Language``; selects Chinese if it begins with ``zh``, else English.
        wrong: Whether the visitor sent a wrong token.
    """
    now = CATALOGUES["zh" if language.lower().startswith("zh") else "en"]
    return _PAGE.format(
        code=now.code,
        text=escape(now.token_needed),
        label=escape(now.token),
        button=escape(now.token_open),
        wrong=f'<p role="alert">{escape(now.token_wrong)}</p>\n' if wrong else "",
    )
