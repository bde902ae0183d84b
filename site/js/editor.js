// The editor for keepalived.conf: CodeMirror, with the remarks of vrrpd's own reader in the margin.
//
// It lives in a shadow root, where CodeMirror's styles need no exception from the page's
// Content-Security-Policy.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const language = StreamLanguage.define({
  name: "keepalived.conf",
  startState: () => ({ first: true }),
  token(stream, state) {
    if (stream.sol()) state.first = true;
    if (stream.eatSpace()) return null;
    if (stream.match(/[!#].*/)) return "comment";
    if (stream.match(/[{}]/)) { state.first = true; return "bracket"; }
    if (stream.match(/"[^"]*"?/)) return "string";
    const word = stream.match(/[^\s{}"!#]+/);
    if (!word) { stream.next(); return null; }
    if (state.first) { state.first = false; return "keyword"; }
    return /^[\d.:/a-f]+$/.test(word[0]) ? "number" : null;
  },
});

const colors = HighlightStyle.define([
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: tags.keyword, color: "var(--link)", fontWeight: "600" },
  { tag: tags.number, color: "var(--good)" },
  { tag: tags.string, color: "var(--warn)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "var(--card)", color: "var(--ink)", fontSize: "13px", border: "1px solid var(--edge)", borderRadius: "7px" },
  "&.cm-focused": { outline: "3px solid var(--focus)", outlineOffset: "1px" },
  ".cm-scroller": { fontFamily: "var(--mono)", maxHeight: "min(420px, 60vh)", minHeight: "160px" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--lane)", color: "var(--soft)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--focus) 9%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--edge)" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap" },
});

const SEVERITY = { note: "info", warning: "warning", error: "error", fatal: "error" };

/** As labs/panel/js/desk.js wants an editor. */
export function editor(name, text, changed) {
  const node = document.createElement("div"), inside = document.createElement("div");
  const shadow = node.attachShadow({ mode: "open", delegatesFocus: true });
  shadow.append(inside);
  const view = new EditorView({
    parent: inside,
    root: shadow,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), lintGutter(), history(), drawSelection(), highlightActiveLine(), bracketMatching(),
        indentUnit.of("        "), EditorState.tabSize.of(8), language, syntaxHighlighting(colors), theme,
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": name, spellcheck: "false", autocapitalize: "off" }),
        EditorView.updateListener.of((update) => { if (update.docChanged) changed(); }),
        // Escape leaves Tab to the browser once, as CodeMirror documents it; it must not close the form.
        EditorView.domEventHandlers({ keydown: (event) => { if (event.key === "Escape") event.stopPropagation(); return false; } }),
      ],
    }),
  });
  return {
    node,
    view,
    value: () => view.state.doc.toString(),
    focus: () => view.focus(),
    show: (marks) => view.dispatch(setDiagnostics(view.state, marks.map((mark) => placed(view.state.doc, mark)))),
  };
}

// A remark counts lines and columns from 1; one without a place is shown on the first line.
function placed(doc, { line, column, length, severity, message, suggestion, expected }) {
  const at = doc.line(Math.min(Math.max(line, 1), doc.lines));
  const from = Math.min(at.from + Math.max(column - 1, 0), at.to);
  const hints = [suggestion && `did you mean ${suggestion}?`, expected && `expected ${expected}`].filter(Boolean);
  return { from, to: Math.min(Math.max(from + length, from), at.to), severity: SEVERITY[severity] ?? "error", message: [message, ...hints].join("\n") };
}
