// What the browser keeps: settings and history in local storage, the API key for the session only. A browser that
// refuses to store anything works too; then nothing is kept.
const kept = storage => ({
  read(name, fallback) {
    try { return JSON.parse(storage().getItem(`regard.${name}`)) ?? fallback; } catch { return fallback; }
  },
  write(name, value) {
    try { storage().setItem(`regard.${name}`, JSON.stringify(value)); } catch { /* full or forbidden */ }
  },
  remove(name) {
    try { storage().removeItem(`regard.${name}`); } catch { /* forbidden */ }
  },
});
const lasting = kept(() => localStorage), session = kept(() => sessionStorage);
