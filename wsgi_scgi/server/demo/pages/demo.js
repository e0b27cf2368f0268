// The page works without this file; with it, uploads show their progress and the stream is live.
"use strict";

const element = (id) => document.getElementById(id);
const clock = (milliseconds) => new Date(milliseconds).toLocaleTimeString("en-GB") +
  "." + String(Math.floor(milliseconds) % 1000).padStart(3, "0");
const megabytes = (bytes) => (bytes / 1e6).toFixed(1);

function setStatus(id, text, kind = "") {
  const status = element(id);
  status.textContent = text;
  status.className = "status " + kind;
}

/* Upload */

const GENERATED_SIZE = 100e6;
const RANDOM_PORTION = 65536; // what getRandomValues gives at most
const HASHED_HERE_AT_MOST = 512e6; // the browser can hash only what it holds in memory

function randomFile() {
  const portions = [];
  for (let left = GENERATED_SIZE; left > 0; left -= RANDOM_PORTION) {
    portions.push(crypto.getRandomValues(new Uint8Array(Math.min(left, RANDOM_PORTION))));
  }
  return new Blob(portions);
}

async function sha256(file) {
  // Offered to pages from this machine or over TLS only.
  if (!globalThis.crypto?.subtle || file.size > HASHED_HERE_AT_MOST) {
    return null;
  }
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function addFact(name, value, kind = "") {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  description.className = kind;
  row.append(term, description);
  element("upload-result").append(row);
}

function setSending(sending) {
  for (const id of ["file", "generate"]) {
    element(id).disabled = sending;
  }
  element("upload").querySelector("[type=submit]").disabled = sending;
  element("cancel").hidden = !sending;
  element("upload-progress").hidden = !sending;
}

function showProgress(sent, size, started) {
  const seconds = (performance.now() - started) / 1000;
  const rate = seconds > 0 ? megabytes(sent / seconds) : "0.0";
  element("upload-bar").value = size ? sent / size : 0;
  element("upload-rate").textContent =
    `${megabytes(sent)} of ${megabytes(size)} MB, ${rate} MB a second`;
}

async function showResult(found, file, seconds) {
  addFact("Size", `${found.size.toLocaleString("en-GB")} bytes`);
  addFact("SHA-256, by the program", found.sha256, "hash");
  addFact("Time", `${seconds.toFixed(2)} seconds, ${megabytes(found.size / seconds)} MB a second`);
  addFact("Most memory the program ever used", `${megabytes(found.peak_memory)} MB`);
  element("upload-result").hidden = false;
  setStatus("upload-status", "Arrived.", "good");
  const expected = await sha256(file);
  if (expected === found.sha256) {
    setStatus("upload-status", "Arrived whole: your browser finds the same SHA-256.", "good");
  } else if (expected !== null) {
    setStatus("upload-status", "Damaged on the way: your browser finds another SHA-256.", "bad");
  }
}

function failureText(request) {
  const message = request.response?.message ?? "";
  return `Refused with ${request.status} ${request.statusText}. ${message}`;
}

function send(file) {
  const request = new XMLHttpRequest();
  const started = performance.now();
  element("upload-result").replaceChildren();
  element("upload-result").hidden = true;
  setSending(true);
  setStatus("upload-status", "Sending.");
  showProgress(0, file.size, started);
  request.upload.addEventListener("progress", (event) => {
    showProgress(event.loaded, file.size, started);
  });
  request.addEventListener("loadend", () => setSending(false));
  request.addEventListener("load", () => {
    if (request.status === 200) {
      showResult(request.response, file, (performance.now() - started) / 1000);
    } else {
      setStatus("upload-status", failureText(request), "bad");
    }
  });
  request.addEventListener("error", () => {
    setStatus("upload-status", "The connection broke off.", "bad");
  });
  request.addEventListener("abort", () => setStatus("upload-status", "Cancelled."));
  element("cancel").onclick = () => request.abort();
  request.open("POST", element("upload").action);
  request.responseType = "json";
  request.setRequestHeader("Accept", "application/json");
  request.send(file);
}

element("upload").addEventListener("submit", (event) => {
  event.preventDefault();
  send(element("file").files[0]);
});
element("generate").addEventListener("click", () => send(randomFile()));
element("generate").hidden = false;

/* Stream */

// Pieces are sent over several seconds; much faster means that somebody collected them.
const COLLECTED_BELOW = 0.5;

function addPiece(piece, arrived, previous) {
  const item = document.createElement("li");
  const name = document.createElement("strong");
  const time = document.createElement("time");
  const gap = document.createElement("span");
  name.textContent = `Piece ${piece.number} of ${piece.of}`;
  time.textContent = `sent ${clock(piece.sent * 1000)}`;
  gap.textContent = previous === null
    ? "the first"
    : `${Math.round(arrived - previous)} ms later`;
  item.append(name, time, gap);
  const list = element("pieces");
  list.append(item);
  list.scrollTop = list.scrollHeight;
}

function showBeats(number, of) {
  const beats = element("beats");
  while (beats.childElementCount < of) {
    beats.append(document.createElement("span"));
  }
  beats.children[number - 1].classList.add("arrived");
}

function closingText(count, milliseconds) {
  const seconds = milliseconds / 1000;
  return seconds < COLLECTED_BELOW
    ? `${count} pieces arrived at once: something on the way collected them.`
    : `${count} pieces arrived one by one, in ${seconds.toFixed(1)} seconds.`;
}

function startStream() {
  const source = new EventSource("stream");
  let count = 0;
  let first = null;
  let previous = null;
  const end = (text, kind) => {
    source.close();
    element("stream").disabled = false;
    setStatus("stream-status", text, kind);
  };
  element("stream").disabled = true;
  for (const id of ["beats", "pieces"]) {
    element(id).replaceChildren();
    element(id).hidden = false;
  }
  setStatus("stream-status", "Receiving.");
  source.addEventListener("piece", (event) => {
    const arrived = performance.now();
    const piece = JSON.parse(event.data);
    addPiece(piece, arrived, previous);
    showBeats(piece.number, piece.of);
    count += 1;
    first ??= arrived;
    previous = arrived;
  });
  source.addEventListener("end", () => end(closingText(count, previous - first), "good"));
  source.addEventListener("error", () => end(`Cut off after ${count} pieces.`, "bad"));
}

element("stream").addEventListener("click", startStream);
element("stream").hidden = false;
