"""Hints at what a site is built with: traces every such product leaves by itself in headers and markup."""

from __future__ import annotations

import re
from collections.abc import Mapping

_GENERATOR = re.compile(
    r"wordpress|drupal|joomla|typo3|shopify|wix|squarespace|webflow|ghost|hugo|jekyll|gatsby|next\.js|nuxt|astro|"
    r"hexo|docusaurus|mediawiki|prestashop|opencart|contao|craft cms|blogger|eleventy|mkdocs|sphinx|weebly|odoo",
    re.IGNORECASE,
)
_HEADERS: tuple[tuple[str, str, str], ...] = (
    ("server", "nginx", "nginx"),
    ("server", "apache", "apache"),
    ("server", "cloudflare", "cloudflare"),
    ("server", "microsoft-iis", "iis"),
    ("server", "litespeed", "litespeed"),
    ("server", "caddy", "caddy"),
    ("server", "openresty", "openresty"),
    ("server", "vercel", "vercel"),
    ("server", "netlify", "netlify"),
    ("server", "github.com", "github-pages"),
    ("x-powered-by", "php", "php"),
    ("x-powered-by", "asp.net", "asp.net"),
    ("x-powered-by", "express", "express"),
    ("x-powered-by", "next.js", "next.js"),
    ("x-generator", "drupal", "drupal"),
    ("x-drupal-cache", "", "drupal"),
    ("x-shopify-stage", "", "shopify"),
    ("x-varnish", "", "varnish"),
    ("cf-ray", "", "cloudflare"),
    ("x-amz-cf-id", "", "cloudfront"),
    ("x-wix-request-id", "", "wix"),
)
_ASSETS: tuple[tuple[str, str], ...] = (
    ("/wp-content/", "wordpress"),
    ("/wp-includes/", "wordpress"),
    ("/woocommerce/", "woocommerce"),
    ("/elementor/", "elementor"),
    ("cdn.shopify.com", "shopify"),
    ("static.wixstatic.com", "wix"),
    ("static1.squarespace.com", "squarespace"),
    ("assets.website-files.com", "webflow"),
    ("/typo3conf/", "typo3"),
    ("/sites/default/files/", "drupal"),
    ("/media/jui/", "joomla"),
    ("/_next/static/", "next.js"),
    ("/_nuxt/", "nuxt"),
    ("jquery.min.js", "jquery"),
    ("bootstrap.min.css", "bootstrap"),
    ("cdn.tailwindcss.com", "tailwind"),
    ("googletagmanager.com", "google-tag-manager"),
    ("google-analytics.com", "google-analytics"),
    ("connect.facebook.net", "facebook-pixel"),
    ("static.hotjar.com", "hotjar"),
    ("js.hs-scripts.com", "hubspot"),
    ("js.stripe.com", "stripe"),
    ("matomo.js", "matomo"),
    ("plausible.io/js", "plausible"),
    ("www.google.com/recaptcha", "recaptcha"),
)
_MARKUP: tuple[tuple[str, str], ...] = (
    ("__NEXT_DATA__", "next.js"),
    ("window.__NUXT__", "nuxt"),
    ("data-reactroot", "react"),
    ("ng-version=", "angular"),
    ("data-v-app", "vue"),
)


def find_technologies(headers: Mapping[str, str], generator: str, assets: str, html: str) -> tuple[str, ...]:
    """Lower-case product names, sorted. Hints, not proof.

    ``generator`` is the page's ``meta generator``, ``assets`` the addresses of what it loads, in one text.
    """
    found = {product for name, part, product in _HEADERS if name in headers and part in headers[name].lower()}
    found |= {product for trace, product in _ASSETS if trace in assets}
    found |= {product for trace, product in _MARKUP if trace in html}
    if match := _GENERATOR.search(generator[:200]):
        found.add(match[0].lower())
    return tuple(sorted(found))
