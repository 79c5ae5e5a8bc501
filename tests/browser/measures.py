"""Measuring what is on the page: what is cut off, and what lies over something else."""

from playwright.async_api import Page

_CUT = """selector => [...document.querySelectorAll(selector)]
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .filter((element) => element.scrollWidth > element.clientWidth || element.scrollHeight > element.clientHeight + 1)
  .map((element) => `${element.textContent.trim()}: ${element.scrollWidth} in ${element.clientWidth} px`)"""
_BOXES = """selectors => selectors
  .flatMap((selector) => [...document.querySelectorAll(selector)])
  .filter((element) => element.checkVisibility({ visibilityProperty: true }))
  .map((element) => {
    const range = document.createRange();
    range.selectNodeContents(element);
    const replaced = element.matches("select, input, button");
    const { left, top, right, bottom } = (replaced ? element : range).getBoundingClientRect();
    return { name: element.textContent.trim().slice(0, 30), left, top, right, bottom };
  })"""


async def cut(page: Page, selector: str) -> list[str]:
    """Return what is wider or higher than its own box; nothing found at all is an error of the test."""
    assert await page.locator(selector).count(), f"nothing matches {selector}"
    return list(await page.evaluate(_CUT, selector))


async def overlapping(page: Page, *selectors: str, apart: float = 0) -> list[str]:
    """Return the pairs whose words (of controls: whose boxes) are not `apart` pixels from each other, either way."""
    boxes = await page.evaluate(_BOXES, selectors)
    assert len(boxes) > 1, f"fewer than two match {selectors}"
    return [
        f"{one['name']} / {other['name']}"
        for place, one in enumerate(boxes)
        for other in boxes[place + 1 :]
        if min(one["right"], other["right"]) - max(one["left"], other["left"]) > -apart
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 0
    ]
