"""What is read from a page."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.scraping.pages import ReadPage, is_html, read_page
from reference_app.scraping.records import PageMetadata

URL = "https://www.boats.co.uk/shop/index.html"
HTML = {"content-type": "text/html; charset=utf-8"}


def read(html: str, url: str = URL, **headers: str) -> ReadPage:
    return read_page(url, HTML | headers, html.encode())


def metadata(html: str, url: str = URL, **headers: str) -> PageMetadata:
    return read(html, url, **headers).metadata


def test_an_ordinary_page_is_read_completely() -> None:
    page = read(
        """<!DOCTYPE html><html lang="en-GB"><head>
        <title>  Boats &amp; more\n of York </title>
        <meta name="Description" content="We build boats."><meta name="generator" content="WordPress 6.6">
        <link rel="stylesheet" href="/wp-content/themes/boat/style.css"><link rel="canonical" href="/shop/">
        <script src="https://www.googletagmanager.com/gtm.js"></script>
        <script type="application/ld+json">{"telephone": "+44 1904 555 123", "email": "press@boats.co.uk"}</script>
        </head><body><a href="about.html#team">About</a> <a href="#top">Top</a> <a href="//boats.co.uk/x">X</a>
        <a href="mailto:Sales@Boats.co.uk?subject=Hi">Mail</a> <a href="tel:+44-20-7946-0018">Call</a>
        Write to info@boats.co.uk or call (01904) 555 124.
        <a href="https://www.facebook.com/boats/">f</a> <a href="https://twitter.com/intent/tweet?x">share</a>
        <a href="https://x.com/boats?lang=en">x</a></body></html>""",
        server="nginx/1.25",
    )
    assert page.metadata == PageMetadata(
        title="Boats & more of York",
        description="We build boats.",
        language="en-gb",
        canonical="https://www.boats.co.uk/shop/",
        emails=("Sales@boats.co.uk", "info@boats.co.uk", "press@boats.co.uk"),
        phones=("+441904555123", "+441904555124", "+442079460018"),
        social_links=(("facebook", "https://www.facebook.com/boats"), ("x", "https://x.com/boats")),
        technologies=("google-tag-manager", "nginx", "wordpress"),
    )
    assert list(page.links())[:2] == ["https://www.boats.co.uk/shop/about.html", "https://boats.co.uk/x"]


def test_a_page_without_anything_gives_nothing() -> None:
    for html in ("", " ", "<html></html>", "plain text", "\x00"):
        assert metadata(html) == PageMetadata()


def test_open_graph_stands_in_for_what_is_missing() -> None:
    found = metadata('<meta property="og:title" content="T"><meta property="og:description" content="D">')
    assert (found.title, found.description) == ("T", "D")


@pytest.mark.parametrize(
    ("html", "title"),
    [
        ("<svg><title>icon</title></svg><title>page</title>", "page"),
        ("<title>first</title><title>second</title>", "first"),
        ("<title>never closed", "never closed"),
        ("<title>a<b>c</title>", "a<b>c"),
        ("<title>\u202ea\x00b\x1b[31m\x85c</title>", "\u202ea b [31m c"),
        ("<title>" + "x" * 1000 + "</title>", "x" * 500),
    ],
)
def test_titles_are_one_clean_line(html: str, title: str) -> None:
    assert (metadata(html).title or "").replace("\ufffd", " ").replace("  ", " ") == title


@pytest.mark.parametrize(
    ("html", "headers", "language"),
    [
        ('<html lang="de_AT">', {}, "de-at"),
        ('<html lang="">', {"content-language": "fr, en"}, "fr"),
        ('<meta http-equiv="Content-Language" content="pt-BR">', {}, "pt-br"),
        ('<html lang="not a language!">', {}, None),
    ],
)
def test_languages_are_tags_or_nothing(html: str, headers: dict[str, str], language: str | None) -> None:
    assert metadata(html, **headers).language == language


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        ("<title>\u00fc\u20ac</title>".encode(), "text/html", "\u00fc\u20ac"),
        ("<title>\u00fc\u20ac</title>".encode("cp1252"), "text/html", "\u00fc\u20ac"),
        ("<title>\u00fc</title>".encode("latin-1"), "text/html; charset=ISO-8859-1", "\u00fc"),
        ("<meta charset=shift_jis><title>\u65e5\u672c</title>".encode("shift_jis"), "text/html", "\u65e5\u672c"),
        ("<title>\u65e5\u672c</title>".encode("euc-jp"), "text/html; charset=euc-jp", "\u65e5\u672c"),
        ("<title>\u0416</title>".encode("utf-16"), "text/html", "\u0416"),
        ("<title>\u0416</title>".encode("koi8-r"), 'text/html; charset="koi8-r"', "\u0416"),
        ("<title>\u00fc</title>".encode(), "text/html; charset=klingon", "\u00fc"),
        (b"<title>a\xffb</title>", "text/html; charset=utf-8", "a\ufffdb"),
        ("<title>\u00fc</title>\u00fc".encode()[:-1], "text/html", "\u00fc"),
    ],
)
def test_titles_survive_every_encoding_a_page_claims(body: bytes, content_type: str, title: str) -> None:
    assert read_page(URL, {"content-type": content_type}, body).metadata.title == title


@pytest.mark.parametrize(
    ("text", "emails"),
    [
        ("a.b+c@mail.example.co.uk, x@y.de.", ("a.b+c@mail.example.co.uk", "x@y.de")),
        ("info&#64;boats.de", ("info@boats.de",)),
        ("INFO@boats.de info@BOATS.de", ("INFO@boats.de",)),
        ("logo@2x.png icon@3x.webp", ()),
        ("me@example.com you@example.org", ()),
        ("a@b a@@b.de @twitter .@x.de a..b@c.de", ()),
        ("(sales@boats.de)<b>sales@ships.de</b>", ("sales@boats.de", "sales@ships.de")),
    ],
)
def test_email_addresses_are_found_and_lookalikes_are_not(text: str, emails: tuple[str, ...]) -> None:
    assert metadata(f"<body>{text}</body>").emails == emails


@pytest.mark.parametrize(
    ("text", "language", "url", "phones"),
    [
        ("Tel. +49 (0)30 901820-0", "en", URL, ("+49309018200",)),
        ("Tel. 030 / 90 18 20", "de-DE", "https://boats.io/", ("+4930901820",)),
        ("Tel. 030 901820", "de", "https://boote.de/", ("+4930901820",)),
        ("Tel. 030 901820", "de", "https://boats.com/", ()),
        ("020 7946 0018", "en-US", URL, ("+442079460018",)),
        ("(212) 736-5000", "en-US", "https://boats.com/", ("+12127365000",)),
        ("2024-01-15 12.05.2023 1,234,567 12:34:56 ISBN 978-3-16-148410-0", "en", URL, ()),
        ("+1 000 000 0000", "en", URL, ()),
    ],
)
def test_phone_numbers_are_valid_ones_of_the_sites_country(
    text: str, language: str, url: str, phones: tuple[str, ...]
) -> None:
    assert metadata(f'<html lang="{language}"><body>{text}</body>', url).phones == phones


def test_a_page_full_of_dates_still_gives_its_phone_number() -> None:
    dates = " ".join(f"20{year:02}-{month:02}-15" for year in range(20) for month in range(1, 13))
    assert metadata(f"<body>{dates} 01904 555 123</body>").phones == ("+441904555123",)


def test_scripts_and_styles_are_not_read_as_text() -> None:
    found = metadata("<script>var a='x@boats.de +4930901820'</script><style>/* y@boats.de */</style>z@boats.de")
    assert (found.emails, found.phones) == (("z@boats.de",), ())


@pytest.mark.parametrize(
    ("href", "links"),
    [
        ("https://www.linkedin.com/company/boats/", (("linkedin", "https://www.linkedin.com/company/boats"),)),
        ("//youtu.be.evil.com/x", ()),
        ("https://notfacebook.com/boats", ()),
        ("https://facebook.com.evil.com/boats", ()),
        ("https://facebook.com/", ()),
        ("https://www.facebook.com/sharer/sharer.php?u=x", ()),
        ("/facebook.com/boats", ()),
    ],
)
def test_social_profiles_are_told_from_share_buttons_and_lookalikes(href: str, links: tuple[object, ...]) -> None:
    assert metadata(f'<a href="{href}">x</a>').social_links == links


def test_links_are_resolved_against_the_base_and_cleaned() -> None:
    page = read(
        '<base href="/deep/er/"><a href="a b?q=\u00fc#f"></a><a href="javascript:x()"></a><a href="mailto:x@y.de"></a>'
        '<a href="http://user:pw@boats.co.uk/s"></a><a href="https://boats.co.uk:22/"></a><a href=" ../up "></a>'
        '<a href="http://["></a><a href="https://BOATS.co.uk:443/x/./y"></a><a></a>'
    )
    assert list(page.links()) == [
        "https://www.boats.co.uk/deep/er/a%20b?q=%C3%BC",
        "http://boats.co.uk/s",
        "https://www.boats.co.uk/deep/up",
        "https://boats.co.uk/x/y",
    ]


def test_a_page_can_ask_not_to_be_followed() -> None:
    assert read('<meta name="robots" content="NOINDEX, NoFollow"><a href="/x">').hrefs == ()


def test_only_html_is_parsed() -> None:
    assert [
        is_html(kind) for kind in ("text/html", "application/xhtml+xml", None, "application/pdf", "image/svg+xml")
    ] == [
        True,
        True,
        True,
        False,
        False,
    ]


TWO_MEGABYTES = 2 * 1024 * 1024
#: Seconds. A slow machine takes two or three for the worst of these; what grows with the square takes hours.
A_MOMENT = 10
HOSTILE = {
    "nested blocks": "<div>",
    "unclosed formatting": "<p><b>",
    "nested tables": "<table><tr><td>",
    "nested drawings": "<svg>",
    "half tags": "<",
    "entities": "&amp",
    "addresses without end": "a.b@c.",
    "digits": "1 ",
    "phone-like": "+49 30 90182 ",
    "links": '<a href="tel:+4930901820">',
    "null bytes": "\x00",
    "comments": "<!-- -->",
    "structured data": '<script type="application/ld+json">"telephone":"1',
    "surrogates": "&#xD800;",
}


@pytest.mark.parametrize("piece", HOSTILE.values(), ids=HOSTILE.keys())
def test_two_megabytes_made_to_hurt_take_a_moment(piece: str) -> None:
    body = (piece * (TWO_MEGABYTES // len(piece))).encode()
    started = time.process_time()
    read_page(URL, HTML, body)
    assert time.process_time() - started < A_MOMENT


def test_an_element_with_two_hundred_thousand_attributes_takes_a_moment() -> None:
    body = ("<div " + " ".join(f"a{n}=1" for n in range(200_000)) + ">").encode()
    started = time.process_time()
    read_page(URL, HTML, body)
    assert time.process_time() - started < A_MOMENT


@given(
    st.binary(max_size=300)
    | st.lists(st.sampled_from(sorted(HOSTILE.values())), max_size=20).map(lambda p: "".join(p).encode())
)
def test_no_bytes_make_reading_fail_or_give_text_that_cannot_be_stored(body: bytes) -> None:
    page = read_page(URL, {}, body)
    stored = [page.metadata.title, page.metadata.description, page.metadata.canonical, *page.metadata.emails]
    for text in [*stored, *page.links()]:
        assert "\x00" not in (text or "")
        (text or "").encode("utf-8")
