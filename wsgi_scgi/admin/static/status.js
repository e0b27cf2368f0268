// Brings the page up to date and leaves alone what has not changed: a form being filled in, the
// focus, what is open. Without it the page is as it was sent, and its forms work.
const PERIOD = 2000;
const SAMPLES = 60;
const PAGE = new URL("./", document.URL);
PAGE.username = PAGE.password = ""; // fetch() takes no credentials; the browser adds them itself

const freshness = document.getElementById("freshness");
const samples = [];

function update(shown, fresh) {
  if (shown.isEqualNode(fresh)) return;
  const before = [...shown.childNodes];
  const after = [...fresh.childNodes];
  const isAlike = shown.nodeName === fresh.nodeName && before.length === after.length;
  if (!isAlike || before.length === 0) {
    shown.replaceWith(fresh);
    return;
  }
  for (const { name, value } of fresh.attributes) shown.setAttribute(name, value);
  for (const name of shown.getAttributeNames()) {
    if (name !== "open" && !fresh.hasAttribute(name)) shown.removeAttribute(name);
  }
  before.forEach((node, index) => update(node, after[index]));
}

function showRate(page) {
  const now = { at: performance.now(), requests: Number(page.querySelector("#requests").dataset.value) };
  const last = samples.at(-1);
  samples.push(now);
  if (samples.length > SAMPLES + 1) samples.shift();
  if (!last) return;
  const rates = samples.slice(1).map((sample, index) => rate(samples[index], sample));
  const figures = page.querySelector(".figures");
  const figure = page.createElement("div");
  figure.append(page.createElement("dt"), page.createElement("dd"));
  figure.firstChild.textContent = "Requests a second";
  figure.lastChild.textContent = `${rates.at(-1).toFixed(rates.at(-1) < 10 ? 1 : 0)} `;
  figure.lastChild.append(line(page, rates));
  figures.append(figure);
}

function rate(from, to) {
  return Math.max(0, ((to.requests - from.requests) * 1000) / (to.at - from.at));
}

function line(page, rates) {
  const most = Math.max(...rates, 1);
  const points = rates.map((one, index) => `${(SAMPLES - rates.length + index) * 2},${19 - (one / most) * 18}`);
  const namespace = "http://www.w3.org/2000/svg";
  const chart = page.createElementNS(namespace, "svg");
  const polyline = page.createElementNS(namespace, "polyline");
  polyline.setAttribute("points", points.join(" "));
  for (const [name, value] of [["class", "chart"], ["width", SAMPLES * 2], ["height", 20], ["aria-hidden", "true"]]) {
    chart.setAttribute(name, value);
  }
  chart.append(polyline);
  return chart;
}

async function refresh() {
  const started = performance.now();
  if (!document.hidden) {
    try {
      const answer = await fetch(PAGE, { cache: "no-store" });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      showRate(page);
      update(document.querySelector("main"), page.querySelector("main"));
      freshness.textContent = `as of ${new Date().toLocaleTimeString()}`;
      freshness.classList.remove("bad");
    } catch (error) {
      freshness.textContent = `cannot be brought up to date: ${error.message}`;
      freshness.classList.add("bad");
    }
  }
  // A gateway with a thousand members is not to be kept busy by being looked at.
  setTimeout(refresh, Math.max(PERIOD, 10 * (performance.now() - started)));
}

refresh();
