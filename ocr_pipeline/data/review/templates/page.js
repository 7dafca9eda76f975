"use strict";
// One card at a time; the first is shown while the browser still reads the rest of the file. What is decided goes into a journal (IndexedDB) at once, and comes from there when the page opens.
const head = JSON.parse(document.getElementById("head").textContent);
const $ = (id) => document.getElementById(id);

const WORDS = {
  en: {
    who: "Name", show: "Show", all: "all", noCrop: "The picture cannot be shown.", label: "label", decided: "decided",
    done: "Nothing is left here. Press S to save.", typing: "Enter takes it, Escape does not.", forgotten: "This browser remembers nothing: save before you close the page.",
    file: "Saved. Take it over with: ocr-pipeline review import", wrong: "wrong with probability", perHour: (pace) => `${pace} an hour`, last: "Last",
    keep: "keep", take: "take the reading", type: "type", ignore: "ignore", delete: "delete", skip: "skip", back: "back", undo: "undo", save: "save",
    kinds: {},
  },
  ko: {
    who: "이름", show: "보기", all: "전체", noCrop: "그림을 보여줄 수 없습니다.", label: "라벨", decided: "처리함",
    done: "남은 것이 없습니다. S 키로 저장하세요.", typing: "Enter: 반영, Esc: 취소", forgotten: "이 브라우저는 기억하지 못합니다. 닫기 전에 저장하세요.",
    file: "저장했습니다. 다음으로 반영합니다: ocr-pipeline review import", wrong: "틀릴 확률", perHour: (pace) => `시간당 ${pace}`, last: "마지막",
    keep: "그대로", take: "인식 결과로", type: "직접 입력", ignore: "무시", delete: "삭제", skip: "다음", back: "이전", undo: "되돌리기", save: "저장",
    kinds: {
      jamo: ["오타", "자모 한두 개가 잘못 입력됨"], shifted: ["밀림", "옆 단어의 라벨"], space: ["띄어쓰기", "빈칸이 없거나 남음"],
      case: ["대소문자", "대문자와 소문자"], width: ["전각·반각", "같은 글자의 다른 꼴"], lookalike: ["비슷한 글자", "0과 O, 1과 l 따위"],
      hanja: ["한자", "한자를 한글로, 또는 그 반대로 적음"], cut: ["잘린 상자", "상자에 라벨의 일부만 있음"],
      merged: ["합쳐진 상자", "상자에 라벨보다 많은 글이 있음"], empty: ["빈 상자", "상자에 아무것도 없음"],
      no_text: ["글 없음", "상자에 글이 없음"], unlabelled: ["라벨 없음", "라벨이 없는 글"], twins: ["두 라벨", "같은 그림에 다른 라벨"],
      other: ["다름", "라벨과 그림이 다름"],
    },
  },
};
const KEYS = [
  ["keep", "KeyK", "K"], ["take", "KeyR", "R"], ["type", "KeyT", "T"], ["ignore", "KeyI", "I"], ["delete", "KeyD", "D"],
  ["skip", "Space", "␣"], ["back", "ArrowLeft", "←"], ["undo", "KeyU", "U"], ["save", "KeyS", "S"],
];

let language = (navigator.language || "en").startsWith("ko") ? "ko" : "en";
let place = 0, wanted = "", journal = [], decided = new Map(), blocks = new Map(), database = null, started = 0, earlier = 0;
const say = (key) => WORDS[language][key];
const kindSays = (kind) => WORDS[language].kinds[kind] || [kind.replace("_", " "), head.kinds[kind]];

// -- suspects ----------------------------------------------------------------------------------------------------
function suspect(number) {
  const which = Math.floor(number / head.block);
  if (!blocks.has(which)) {
    if (blocks.size > 3) blocks.delete(blocks.keys().next().value);
    blocks.set(which, JSON.parse($(`block-${which}`).textContent));
  }
  return blocks.get(which)[number % head.block];
}
const counts = head.names.map(() => 0);
head.kindOf.forEach((number) => counts[number]++);
const isWanted = (number) => !wanted || head.names[head.kindOf[number]] === wanted;
const isHere = (number) => number >= head.count || blocks.has(Math.floor(number / head.block)) || !!$(`block-${Math.floor(number / head.block)}`);
function step(from, by, free) {
  for (let number = from; number >= 0 && number < head.count; number += by)
    if (isWanted(number) && !(free && decided.has(number))) return number;
  return by > 0 ? head.count : -1;
}

// -- journal -----------------------------------------------------------------------------------------------------
function open() {
  return new Promise((done) => {
    let asked;
    try { asked = indexedDB.open("ocr_pipeline review", 1); } catch { return done(null); }
    asked.onupgradeneeded = () => asked.result.createObjectStore("journal", { autoIncrement: true }).createIndex("list", "list");
    asked.onsuccess = () => done(asked.result);
    asked.onerror = asked.onblocked = () => done(null);
  });
}
function remembered() {
  return new Promise((done) => {
    if (!database) return done([]);
    const asked = database.transaction("journal").objectStore("journal").index("list").getAll(head.list);
    asked.onsuccess = () => done(asked.result);
    asked.onerror = () => done([]);
  });
}
function remember(entry) {
  journal.push(entry);
  replay(entry);
  if (!database) return tell(say("forgotten"));
  const written = database.transaction("journal", "readwrite", { durability: "strict" });
  written.objectStore("journal").add({ list: head.list, ...entry });
  written.oncomplete = () => { document.body.dataset.remembered = journal.length; tell(told(entry)); };
  written.onerror = written.onabort = () => tell(say("forgotten"));
}
function replay(entry) {
  const before = decided.get(entry.number) || [];
  const now = entry.action === "undo" ? before.slice(0, -1) : [...before, entry];
  if (now.length) decided.set(entry.number, now); else decided.delete(entry.number);
}

// -- decisions ---------------------------------------------------------------------------------------------------
const isNew = (row) => row.kind === "unlabelled";
function can(action) {
  if (["skip", "back", "save"].includes(action)) return true;
  if (action === "undo") return undoable() !== null;
  if (place >= head.count) return false;
  const row = suspect(place);
  if (action === "take") return row.reading !== "";
  return !(action === "delete" && isNew(row));
}
function likely(row) {
  if (row.kind === "empty" || row.kind === "no_text") return "delete";
  return "take";
}
function act(action, after = "") {
  if (!can(action)) return;
  if (action === "skip") return go(step(place + 1, 1, false));
  if (action === "back") { const to = step(place - 1, -1, false); return to < 0 ? undefined : go(to); }
  if (action === "undo") { const number = undoable(); remember({ number, action: "undo", when: now() }); return go(number); }
  if (action === "save") return save();
  if (action === "type") return type();
  const said = action === "take" ? ["text", suspect(place).reading] : [action, after];
  remember({ number: place, action: said[0], after: said[1].normalize("NFC"), when: now() });
  go(step(place + 1, 1, true));
}
function told({ number, action, after }) {  // the last decision, for who wonders what the finger did
  const { text, reading } = suspect(number), was = text || reading;
  return `${say("last")}: ${action === "text" ? `${was} → ${after}` : `${was} (${say(action)})`}`;
}
function undoable() {
  const gone = [];
  for (let at = journal.length - 1; at >= 0; at--) {
    const entry = journal[at];
    if (entry.action === "undo") gone.push(entry.number);
    else if (gone.includes(entry.number)) gone.splice(gone.indexOf(entry.number), 1);
    else return entry.number;
  }
  return null;
}
const now = () => new Date().toISOString();
function type() {
  const row = suspect(place);
  $("typing").hidden = false;
  $("typed").value = row.text || row.reading;
  $("typed").focus();
  $("typed").select();
}
function endTyping(isKept) {
  const text = $("typed").value;
  $("typing").hidden = true;
  $("typed").blur();
  if (isKept && text.trim()) act("text", text);
}

// -- saving ------------------------------------------------------------------------------------------------------
function decision(number, { action, after, when }) {
  const { label, image, word, text, quad, kind } = suspect(number);
  const said = { label, image, word, action, before: text, before_quad: quad, when, why: kind };
  if (isNew({ kind }) && action !== "keep") Object.assign(said, { action: "add", after_quad: quad });
  return after ? { ...said, after } : said;
}
function save() {
  if (![...decided.keys()].every(isHere)) return void setTimeout(save, 50);
  const last = [...decided].map(([number, entries]) => [number, entries[entries.length - 1]]);
  const file = {
    format: head.format, partition: head.partition, review: head.list, who: $("who").value,
    decisions: last.sort(([, a], [, b]) => (a.when < b.when ? -1 : 1)).map(([number, entry]) => decision(number, entry)),
  };
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([JSON.stringify(file)], { type: "application/json" }));
  link.download = `${head.partition}_${head.list}.json`;
  link.click();
  tell(`${say("file")} ${link.download}`);
}

// -- what is shown -----------------------------------------------------------------------------------------------
function go(number) {
  if (!isHere(number)) return void setTimeout(go, 50, number);
  place = number;
  const isOver = place >= head.count;
  $("card").hidden = isOver;
  $("done").hidden = !isOver;
  if (!isOver) show(suspect(place));
  progress();
}
function show(row) {
  const [name, says] = kindSays(row.kind);
  $("kind-name").textContent = name;
  $("kind-says").textContent = says;
  $("rate").textContent = `${say("wrong")} ${Math.round(100 * row.error_rate)} %`;
  $("crop").hidden = !row.crop;
  $("no-crop").hidden = !!row.crop;
  $("crop").src = row.crop ? `data:image/webp;base64,${row.crop}` : "";
  $("where").textContent = `${row.image} · ${row.label} · ${isNew(row) ? "" : row.word}`;
  $("texts").replaceChildren();
  line(say("label"), row.text, row.reading, "");
  row.readings.forEach(([text, sure], reader) => line(head.readers[reader] || "", text, row.text, `${Math.round(100 * sure)} %`));
  $("jamo").textContent = row.reading && row.text ? letters(row.text, row.reading) : "";
  $("typing").hidden = true;
  const last = (decided.get(place) || []).at(-1);
  for (const button of $("keys").children) {
    const action = button.dataset.action;
    button.disabled = !can(action);
    button.classList.toggle("likely", action === likely(row));
    button.classList.toggle("chosen", !!last && (last.action === action || (last.action === "text" && action === "take")));
  }
}
function line(name, text, other, sure) {
  const [term, said, share] = ["dt", "dd", "dd"].map((tag) => document.createElement(tag));
  term.textContent = name;
  said.lang = "ko";
  for (const [part, isSame] of other ? aligned(text, other) : [[text, true]]) {
    const piece = document.createElement(isSame ? "span" : "mark");
    piece.textContent = part;
    said.append(piece);
  }
  share.textContent = sure;
  share.className = "sure";
  $("texts").append(term, said, share);
}
function pairs(text, other) {  // syllables set side by side, as few different as can be (Levenshtein)
  const a = [...text], b = [...other], cost = [];
  for (let i = 0; i <= a.length; i++)
    for (let j = 0, row = (cost[i] = []); j <= b.length; j++)
      row[j] = i && j ? Math.min(cost[i - 1][j] + 1, row[j - 1] + 1, cost[i - 1][j - 1] + (a[i - 1] !== b[j - 1])) : i + j;
  const found = [];
  for (let i = a.length, j = b.length; i || j; )
    if (i && j && cost[i][j] === cost[i - 1][j - 1] + (a[i - 1] !== b[j - 1])) found.unshift([a[--i], b[--j]]);
    else if (i && cost[i][j] === cost[i - 1][j] + 1) found.unshift([a[--i], ""]);
    else found.unshift(["", b[--j]]);
  return found;
}
const aligned = (text, other) => pairs(text, other).filter(([own]) => own).map(([own, its]) => [own === " " && its !== " " ? "␣" : own, own === its]);
function letters(text, other) {  // 극→국 (ㅡ→ㅜ); what is there on one side alone: −지, +은. Nothing where nothing is alike
  const set = pairs(text, other);
  if (!set.some(([own, its]) => own === its || (own && its && partsOf(own, its).length === 1))) return "";
  const runs = [];
  for (const [own, its] of set) {
    const sign = own === its ? "" : !its ? "−" : !own ? "+" : "→", last = runs.at(-1);
    if (last && last.sign === sign && sign !== "→") last.text += own || its;
    else runs.push({ sign, text: sign === "→" ? changed(own, its) : own || its });
  }
  return runs.filter(({ sign }) => sign).map(({ sign, text: said }) => (sign === "→" ? said : sign + said.replace(/ /g, "␣"))).join("   ");
}
const partsOf = (own, its) => pairs(own.normalize("NFD"), its.normalize("NFD")).filter(([x, y]) => x !== y);
function changed(own, its) {
  const parts = partsOf(own, its).map(([x, y]) => `${alone(x)}→${alone(y)}`).join(", ");
  return `${own}→${its}${own.normalize("NFD").length > 1 ? ` (${parts})` : ""}`;
}
const LEADS = [..."ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"], TAILS = [..."ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"];
function alone(letter) {  // a conjoining jamo as the letter that fonts show by itself
  const code = letter ? letter.codePointAt(0) : 0;
  if (code >= 0x1100 && code < 0x1113) return LEADS[code - 0x1100];
  if (code >= 0x1161 && code < 0x1176) return String.fromCodePoint(code - 0x1161 + 0x314f);
  if (code >= 0x11a8 && code < 0x11c3) return TAILS[code - 0x11a8];
  return letter || "∅";
}
function progress() {
  const made = journal.length - earlier, hours = (Date.now() - started) / 3.6e6;
  const pace = made > 4 ? ` · ${say("perHour")(Math.round(made / hours))}` : "";
  $("bar").value = decided.size / head.count;
  $("progress").textContent = `${Math.min(place + 1, head.count)} / ${head.count} · ${decided.size} ${say("decided")}${pace}`;
}
const tell = (text) => { $("status").textContent = text; };
function speak() {
  document.documentElement.lang = language;
  $("language").textContent = language === "ko" ? "English" : "한국어";
  for (const element of document.querySelectorAll("[data-say]")) element.textContent = say(element.dataset.say);
  const kinds = ["", ...head.names].map((kind) => new Option(kind ? `${kindSays(kind)[0]} (${counts[head.names.indexOf(kind)]})` : say("all"), kind, false, kind === wanted));
  $("kind").replaceChildren(...kinds);
  $("keys").replaceChildren(...KEYS.map(([action, code, shown]) => {
    const button = document.createElement("button"), key = document.createElement("kbd");
    Object.assign(button, { type: "button", onclick: () => act(action) });
    button.dataset.action = action;
    button.setAttribute("aria-keyshortcuts", code.replace("Key", ""));
    key.textContent = shown;
    button.append(key, say(action));
    return button;
  }));
  go(place);
}

// -- what is done ------------------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  if (event.target === $("typed")) {
    if (event.isComposing || event.keyCode === 229) return;  // Enter ends a syllable first, then the text
    if (event.key === "Enter") { event.preventDefault(); endTyping(true); }
    if (event.key === "Escape") endTyping(false);
    return;
  }
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || ["INPUT", "SELECT"].includes(event.target.tagName)) return;
  const key = KEYS.find(([, code]) => code === event.code);  // the key's place: a Korean layout names it ㅏ
  if (!key) return;
  event.preventDefault();
  act(key[0]);
});
$("typing").onsubmit = (event) => event.preventDefault();
$("kind").onchange = (event) => { wanted = event.target.value; event.target.blur(); go(step(0, 1, true)); };
$("language").onclick = () => { language = language === "ko" ? "en" : "ko"; speak(); };
$("who").onchange = () => { try { localStorage.setItem("ocr_pipeline who", $("who").value); } catch { /* only a convenience */ } };

(async () => {
  started = Date.now();
  database = await open();
  journal = await remembered();
  journal.forEach(replay);
  earlier = journal.length;
  document.body.dataset.remembered = journal.length;
  try { $("who").value = localStorage.getItem("ocr_pipeline who") || ""; } catch { /* only a convenience */ }
  place = step(0, 1, true);
  speak();
  if (!database) tell(say("forgotten"));
  document.body.dataset.ready = "yes";
})();
