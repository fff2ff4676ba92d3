"""What people submit as a domain, and what becomes of it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.scraping import InvalidTarget, normalise, normalise_many
from reference_app.scraping.targets import shorten


@pytest.mark.parametrize(
    ("text", "domain", "url"),
    [
        ("example.com", "example.com", "https://example.com/"),
        ("  Example.COM.\n", "example.com", "https://example.com/"),
        ("http://example.com", "example.com", "http://example.com/"),
        ("HTTPS://Www.Example.com/Shop/?Item=1#top", "www.example.com", "https://www.example.com/Shop/?Item=1"),
        ("//example.com/a", "example.com", "https://example.com/a"),
        ("http:example.com", "example.com", "http://example.com/"),
        ("example.com:", "example.com", "https://example.com/"),
        ("example.com:80", "example.com", "http://example.com/"),
        ("example.com:443", "example.com", "https://example.com/"),
        ("https://example.com:80/a", "example.com", "http://example.com/a"),
        ("example.com:8080", "example.com:8080", "https://example.com:8080/"),
        ("example.com/a/../b", "example.com", "https://example.com/b"),
        ("example.com\\path", "example.com", "https://example.com/path"),
        ("example.com\\@evil.com", "example.com", "https://example.com/@evil.com"),
        ("b\u00fccher.de", "xn--bcher-kva.de", "https://xn--bcher-kva.de/"),
        ("BU\u0308CHER.de", "xn--bcher-kva.de", "https://xn--bcher-kva.de/"),
        ("fa\u00df.de", "xn--fa-hia.de", "https://xn--fa-hia.de/"),
        ("\uff45xample\uff0ecom", "example.com", "https://example.com/"),
        ("example\u3002com", "example.com", "https://example.com/"),
        ("\u200bexample.com\ufeff", "example.com", "https://example.com/"),
        ("example.com\x00", "example.com", "https://example.com/"),
        ("%65xample.com", "example.com", "https://example.com/"),
        ("8.8.8.8", "8.8.8.8", "https://8.8.8.8/"),
        ("0x08.8.2056", "8.8.8.8", "https://8.8.8.8/"),
        ("134744072", "8.8.8.8", "https://8.8.8.8/"),
        ("[2606:4700:4700:0::1111]:8443", "[2606:4700:4700::1111]:8443", "https://[2606:4700:4700::1111]:8443/"),
        ("2606:4700:4700::1111", "[2606:4700:4700::1111]", "https://[2606:4700:4700::1111]/"),
        ("a.b.c.co.uk", "a.b.c.co.uk", "https://a.b.c.co.uk/"),
        ("www.gov.uk", "www.gov.uk", "https://www.gov.uk/"),
    ],
)
def test_a_website_is_recognised_however_it_is_written(text: str, domain: str, url: str) -> None:
    target = normalise(text)
    assert (target.domain, target.url) == (domain, url)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \t\u200b\n", "empty"),
        ("https://", "missing_host"),
        ("https:///", "missing_host"),
        ("https://:8080/", "missing_host"),
        ("exam ple.com", "whitespace"),
        ("example.com example.org", "whitespace"),
        ("exa\u00a0mple.com", "whitespace"),
        ("exa\nmple.com", "whitespace"),
        ("ex\u200bample.com", "invisible_character"),
        ("ex\u00adample.com", "invisible_character"),
        ("ex\u202eample.com", "invisible_character"),
        ("a\x00b.com", "invisible_character"),
        ("ex\u200dample.com", "invalid_idn"),
        ("\U000f0000.com", "invalid_idn"),
        ("http://xn--a.com", "invalid_idn"),
        ("xn--.com", "invalid_characters"),
        ("ftp://example.com", "unsupported_scheme"),
        ("javascript:alert(1)", "unsupported_scheme"),
        ("mailto:someone@example.com", "unsupported_scheme"),
        ("file:///etc/passwd", "unsupported_scheme"),
        ("someone@example.com", "email_address"),
        ("https://user:secret@example.com", "credentials"),
        ("https://good.com@evil.com/", "credentials"),
        ("example.com:99999", "invalid_port"),
        ("example.com:http", "invalid_port"),
        ("example.com:22", "forbidden_port"),
        ("example.com:0", "forbidden_port"),
        ("example.com:6000", "forbidden_port"),
        ("256.1.1.1", "invalid_ipv4"),
        ("1.2.3.4.5", "invalid_ipv4"),
        ("http://[::1", "invalid_ipv6"),
        ("http://[fe80::1%25eth0]/", "invalid_ipv6"),
        ("http://1::2::3/", "invalid_ipv6"),
        ("127.0.0.1", "forbidden_address"),
        ("0x7f.1", "forbidden_address"),
        ("017700000001", "forbidden_address"),
        ("2130706433", "forbidden_address"),
        ("127.1", "forbidden_address"),
        ("0", "forbidden_address"),
        ("\uff11\uff12\uff17.0.0.1", "forbidden_address"),
        ("%31%32%37.0.0.1", "forbidden_address"),
        ("169.254.169.254", "forbidden_address"),
        ("[::1]", "forbidden_address"),
        ("::1", "forbidden_address"),
        ("[::ffff:10.0.0.1]", "forbidden_address"),
        ("[64:ff9b::7f00:1]", "forbidden_address"),
        ("a..b.com", "empty_label"),
        (".example.com", "empty_label"),
        ("example.com..", "empty_label"),
        ("a" * 64 + ".com", "label_too_long"),
        (".".join(["a" * 60] * 5) + ".com", "host_too_long"),
        ("under_score.com", "invalid_characters"),
        ("-dash.com", "invalid_characters"),
        ("dash-.com", "invalid_characters"),
        ("a<b.com", "invalid_characters"),
        ("<script>.com", "invalid_characters"),
        ("localhost", "special_use"),
        ("printer.local", "special_use"),
        ("db.internal", "special_use"),
        ("hidden.onion", "special_use"),
        ("intranet", "single_label"),
        ("https//example.com", "single_label"),
        ("report.pdf", "unknown_suffix"),
        ("example.c0m", "unknown_suffix"),
        ("x" * 3000, "too_long"),
        ("example.com/" + "\u00fc" * 1000, "too_long"),
    ],
)
def test_what_cannot_be_scanned_is_refused_with_its_own_code(text: str, code: str) -> None:
    with pytest.raises(InvalidTarget) as refused:
        normalise(text)
    assert refused.value.code == code


def test_a_refusal_tells_a_person_what_is_wrong() -> None:
    messages = {}
    for text in ("ex\u200bample.com", "127.1", "example.com:22", "intranet", "a@b.de"):
        with pytest.raises(InvalidTarget) as refused:
            normalise(text)
        messages[text] = refused.value.message
    assert messages == {
        "ex\u200bample.com": "There is U+200B (zero width space) inside the text; submit one domain.",
        "127.1": "127.0.0.1 is a loopback address; only public addresses are scanned.",
        "example.com:22": "Port 22 does not serve web pages; use 80, 443 or one above 1023.",
        "intranet": "'intranet' has no dot; submit a full domain such as intranet.com.",
        "a@b.de": "This looks like an e-mail address; submit the domain after the '@'.",
    }


def test_loopback_is_accepted_in_development_only() -> None:
    domains = [
        normalise(text, allow_loopback=True).domain for text in ("127.1:8080", "[::1]", "a.localhost", "localhost")
    ]
    assert domains == ["127.0.0.1:8080", "[::1]", "a.localhost", "localhost"]
    with pytest.raises(InvalidTarget):
        normalise("10.0.0.1", allow_loopback=True)


def test_an_internationalised_name_is_shown_in_its_own_script() -> None:
    assert normalise("XN--BCHER-KVA.de:8080").display == "b\u00fccher.de:8080"


@given(st.text(max_size=60) | st.from_regex(r"(https?://)?[a-zA-Z0-9.\-\[\]:@/%]{1,40}", fullmatch=True))
def test_any_text_is_either_refused_or_reads_the_same_again(text: str) -> None:
    batch = normalise_many([text])
    for accepted in batch.accepted:
        assert normalise(accepted.target.url) == accepted.target
        assert normalise(accepted.target.domain).domain == accepted.target.domain
    for rejected in batch.rejected:
        assert rejected.code
        assert rejected.message.isprintable()
    assert len(batch.accepted) + len(batch.rejected) == 1


def test_a_batch_puts_every_item_in_exactly_one_list() -> None:
    batch = normalise_many(["Example.com", "http://example.com/x", "no dots", "example.org", "example.com.", 7])  # type: ignore[list-item]
    assert [(item.index, item.target.domain) for item in batch.accepted] == [(0, "example.com"), (3, "example.org")]
    assert [(item.index, item.text, item.code) for item in batch.rejected] == [
        (2, "no dots", "whitespace"),
        (5, "7", "not_text"),
    ]
    assert [(item.index, item.first_index, item.domain) for item in batch.duplicates] == [
        (1, 0, "example.com"),
        (4, 0, "example.com"),
    ]


def test_ten_thousand_items_take_a_moment() -> None:
    texts = [f"https://Shop{number}.B\u00fccher{number}.co.uk/path?q=1" for number in range(9_000)]
    texts += [f"not a domain {number}" for number in range(1_000)]
    started = time.process_time()
    batch = normalise_many(texts)
    assert (len(batch.accepted), len(batch.rejected)) == (9_000, 1_000)
    # a slow machine takes one and a half
    assert time.process_time() - started < 8


def test_quoted_items_are_short_and_printable() -> None:
    assert shorten("a\x00\u202eb" + "c" * 200) == "a\ufffd\ufffdb" + "c" * 75 + "\u2026"
