"""The language server: findings while one types, in any editor that speaks LSP.

:mod:`language_server` talks to the editor on the event loop; :mod:`workspace` and what is below it check programs, one
after another, on a thread of their own and know nothing of the protocol's messages.
"""
