"""What the objects of bot libraries do by asking the messenger's server: the bot, and what a handler receives.

A handler is given messages, queries and chats that keep the bot which received them; their shortcuts are requests like
the bot's own. Sources: the classes of aiogram 3 (``aiogram.types``, whose shortcuts give a method to be awaited),
python-telegram-bot 22 (its coroutine methods), Pyrogram 2 and Telethon 1, discord.py 2 and slack_bolt 1.
"""

from __future__ import annotations

from typing import Final

from sessionlint.patterns import regex

#: An object of a library's class, and what is reached from there.
_OF_CLASS: Final = r"(?:\w+\.)*[A-Z]\w*\(\)"
_CHAIN: Final = r"(?:\.\w+|\(\)|\[\])*"
_BOT: Final = r"(?!(?:__\w+|register_next_step_handler|\w+_handler|context|to_dict|close)$)[a-z]\w*"

_AIOGRAM: Final = regex(
    rf"^aiogram\.(?:\w+\.)*Bot\(\)\.{_BOT}$"
    rf"|^aiogram\.types\.{_OF_CLASS}{_CHAIN}\.(?:bot\.{_BOT}"
    r"|answer(?:_\w+)?|reply(?:_\w+)?|edit_\w+|send_(?:copy|webapp)|copy_to|forward|delete(?:_\w+)?|(?:un)?pin(?:_\w+)?"
    r"|react|stop_live_location|(?:un)?ban(?:_sender_chat)?|do|leave|promote|restrict|approve|decline"
    r"|(?:create|export|revoke)_invite_link|get_(?:administrators|member|member_count|profile_photos|profile_audios)"
    r"|set_(?:administrator_custom_title|description|member_tag|permissions|photo|sticker_set|title|position_in_set))$"
)
#: What python-telegram-bot's messages, queries, chats, users and files do; Pyrogram has the same names, and some more.
_SHORTCUTS: Final = (
    r"answer(?:_guest_query)?|reply_\w+|edit_\w+|send_\w+|forward(?:_\w+)?|copy(?:_messages?)?|delete(?:_\w+)?"
    r"|(?:un)?pin(?:_\w+)?|(?:un)?ban_\w+|(?:approve|decline)_\w+|(?:close|reopen|hide|unhide)_\w*forum_topic"
    r"|create_(?:forum_topic|invite_link|subscription_invite_link)|(?:export|revoke)_invite_link|leave|stop_\w+"
    r"|(?:promote|restrict)_member|read_business_message|refund_star_payment|repost(?:_story)?|transfer_gift|verify"
    r"|remove_verification|gift_premium_subscription|replace_token|download_(?:to_drive|to_memory|as_bytearray)"
    r"|get_(?:administrators|member|member_count|menu_button|file|big_file|small_file|game_high_scores|gifts|profile_\w+"
    r"|chat_boosts|user_chat_boosts|managed_bot_access_settings|personal_chat_messages)"
    r"|set_(?:administrator_custom_title|chat_member_tag|description|game_score|managed_bot_access_settings|menu_button"
    r"|message_reaction|permissions|photo|reaction|title)"
)
_TELEGRAM: Final = regex(
    rf"^telegram\.(?:\w+\.)*(?:Ext)?Bot\(\)\.{_BOT}$"
    rf"|^telegram\.ext\..*\(\){_CHAIN}\.bot(?:\.{_BOT}|\.get_file\(\)\.(?:{_SHORTCUTS}))$"
    rf"|^telegram\.(?!ext\.|request\.){_OF_CLASS}{_CHAIN}\.(?:{_SHORTCUTS})$"
)
_PYROGRAM: Final = regex(
    rf"^pyrogram\.types\.{_OF_CLASS}{_CHAIN}\.(?:{_SHORTCUTS}|reply|edit|react|click|download|retract_vote|join)$"
    r"|^pyrogram\.(?:\w+\.)*Client\(\)\.(?:send|edit|delete|forward|copy|get|set|ban|unban|pin|unpin|join|leave|answer"
    r"|approve|decline|restrict|promote|create|download|resolve|invoke|read|search|vote|stop|request|start|connect)"
    r"(?:_\w+)?$"
)
_TELETHON: Final = regex(
    r"^telethon\.(?:\w+\.)*TelegramClient\(\)\.(?:send|edit|delete|forward|get|pin|unpin|kick|upload|download|start|connect"
    r"|sign|log|inline)(?:_\w+)?$"
    r"|^telethon\.events\.(?:\w+\.)*[A-Z]\w*(?:\.Event)?\(\)(?:\.message)?"
    r"\.(?:reply|respond|answer|edit|delete|forward_to|pin|unpin|mark_read|click|download_media|get_\w+)$"
)
_DISCORD: Final = regex(
    rf"^discord\.(?!ui\.|utils\.){_OF_CLASS}{_CHAIN}\."
    r"(?:send(?:_message|_modal|_help|_sound)?|reply|defer|pong|edit(?:_\w+)?"
    r"|delete(?:_messages?|_original_response|_emoji|_sticker|_invite)?|original_response|launch_activity|publish|forward"
    r"|(?:un)?pin|end_poll|(?:add|remove)_(?:reaction|roles|tags|user)|clear_reactions?|(?:un)?ban|bulk_ban|kick|move_to"
    r"|purge|prune_members|query_members|create_(?!task\b)\w+|fetch(?:_\w+)?|set_permissions|change_presence"
    r"|add_files|remove_attachments|request_to_speak|invites|webhooks|vanity_invite|leave|application_info|login|sync|to_file)$"
    r"|^discord\.(?:\w+\.)*(?:Sync)?Webhook\.(?:from_url|partial)\(\)\.(?:send|edit|delete|fetch|edit_message"
    r"|delete_message|fetch_message)$"
)
_SLACK: Final = regex(
    # what a listener is given to call
    r"^slack_bolt\.(?:\w+\.)*(?:Async)?(?:Say|Respond|Complete|Fail|SetStatus|SetTitle|SetSuggestedPrompts)\(\)$"
    r"|^slack_bolt\.(?:\w+\.)*(?:Async)?(?:BoltContext|Args)\(\)\.(?:context\.)?(?:say|respond|complete|fail)$"
    r"|^slack_bolt\.(?:\w+\.)*(?:Async)?(?:App|BoltContext|Args)\(\)\.(?:context\.)?client\.[a-z]\w*$"
)
_TELEBOT: Final = regex(rf"^telebot\.(?:\w+\.)*(?:Async)?TeleBot\(\)\.{_BOT}$")
_LIBRARIES: Final = {
    "aiogram": _AIOGRAM, "telegram": _TELEGRAM, "telebot": _TELEBOT, "pyrogram": _PYROGRAM, "telethon": _TELETHON,
    "discord": _DISCORD, "slack_bolt": _SLACK,
}  # fmt: skip
#: The packages, for whoever must know that they are no project's own.
PACKAGES: Final = tuple(_LIBRARIES)


def asks(name: str) -> bool:
    """Whether calling the external symbol asks the server of a messenger."""
    library = _LIBRARIES.get(name.partition(".")[0])
    return library is not None and library.match(name) is not None
