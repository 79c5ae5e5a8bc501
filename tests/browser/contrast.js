// Every visible text of the page whose colour stands less than 4.5:1 against what is behind it (WCAG 2.2, 1.4.3).
() => {
  const remembered = (make) => {
    const known = new Map();
    return (key) => (known.has(key) ? known : known.set(key, make(key))).get(key);
  };
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = remembered((colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  });
  const over = ([r, g, b, a], below) => [r, g, b].map((part, i) => part * a + below[i] * (1 - a)).concat(1);
  const linear = (part) => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const behind = remembered((element) =>
    element ? over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement)) : [255, 255, 255, 1]);
  const opacity = remembered((element) =>
    element ? getComputedStyle(element).opacity * opacity(element.parentElement) : 1);
  const found = new Set();
  const look = (element, pseudo, words) => {
    if (!/[\p{L}\p{N}]/u.test(words)) return;
    const [r, g, b, a] = rgba(getComputedStyle(element, pseudo).color);
    const ink = over([r, g, b, a * opacity(element)], behind(element));
    const [dark, light] = [luminance(ink), luminance(behind(element))].sort((one, other) => one - other);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < 4.5) found.add(`${element.className || element.tagName} “${words.trim().slice(0, 30)}” ${ratio.toFixed(2)}:1`);
  };
  for (const element of document.body.querySelectorAll("*:not(.hidden *, svg *, option)")) {
    if (!element.checkVisibility({ visibilityProperty: true }) || element.matches(".hidden")) continue;
    const texts = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
    look(element, null, texts.map((node) => node.data).join(""));
    if (element.placeholder) look(element, "::placeholder", element.placeholder);
    for (const pseudo of ["::before", "::after"]) {
      const { content } = getComputedStyle(element, pseudo);
      if (content.startsWith('"')) look(element, pseudo, content);
    }
  }
  return [...found];
}
