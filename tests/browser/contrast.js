// The lowest contrast between text and background on the whole page, closed parts opened before.
// Colours are painted on a canvas, so that every notation (color-mix, oklab) is resolved.
const canvas = document.createElement("canvas");
canvas.width = canvas.height = 1;
const pen = canvas.getContext("2d", { willReadFrequently: true });
const rgb = (...layers) => {
  for (const layer of layers) { pen.fillStyle = layer; pen.fillRect(0, 0, 1, 1); }
  return Array.from(pen.getImageData(0, 0, 1, 1).data.slice(0, 3));
};
const luminance = (c) => {
  const [r, g, b] = c.map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const layers = (element) => {
  const found = [];
  for (let e = element; e; e = e.parentElement) {
    const under = getComputedStyle(e).backgroundColor;
    found.unshift(under);
  }
  return found;
};
let worst = { ratio: 99, text: "", seen: 0 };
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode.textContent.trim();
  const element = walker.currentNode.parentElement;
  if (!text || element.closest("script, style, title, .skip, .sr") || !element.checkVisibility()) continue;
  const style = getComputedStyle(element);
  const inDrawing = element.closest("svg") !== null;
  const under = inDrawing ? layers(element.closest("svg")) : layers(element);
  const back = luminance(rgb("white", ...under));
  const front = luminance(rgb("white", ...under, inDrawing ? style.fill : style.color));
  const ratio = (Math.max(back, front) + 0.05) / (Math.min(back, front) + 0.05);
  worst.seen += 1;
  if (ratio < worst.ratio) worst = { ...worst, ratio, text: text.slice(0, 40), where: element.outerHTML.slice(0, 120) };
}
return worst;
