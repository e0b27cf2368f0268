// Refreshes what is live, and leaves the forms alone; without it the page is as it was sent.
const PERIOD = 2000;
const freshness = document.getElementById("freshness");

async function refresh() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { cache: "no-store" });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of page.querySelectorAll(".live")) {
      const shown = document.getElementById(part.id);
      if (shown === null) location.reload();
      else if (!shown.contains(document.activeElement)) shown.replaceWith(part);
    }
    freshness.textContent = `as of ${new Date().toLocaleTimeString()}`;
    freshness.classList.remove("bad");
  } catch (error) {
    freshness.textContent = `cannot be refreshed: ${error.message}`;
    freshness.classList.add("bad");
  }
}

setInterval(refresh, PERIOD);
