// dialogs.js - windows over the page: the browser's own <dialog>, which keeps the keyboard in
// and closes with Escape, and forms in it that say what is wrong beside what caused it.

import { button, element, iconButton } from "./elements.js";
import { inWords } from "./words.js";

let lastId = 0;

/** The event "close" comes later: until then there would be two windows. */
export function closeDialog(dialog) {
  dialog.close();
  dialog.remove();
}

/** Opens a window with this title; it is taken away when it is closed. */
export function openDialog(title, ...content) {
  const id = `dialog-${++lastId}`;
  const dialog = element("dialog", { "aria-labelledby": id, "data-testid": "dialog" });
  const heading = element(
    "header",
    {},
    element("h2", { id }, title),
    iconButton("close", "Close", () => closeDialog(dialog)),
  );
  dialog.append(heading, ...content);
  dialog.addEventListener("close", () => dialog.remove());
  dialog.addEventListener("pointerdown", (event) => {
    if (event.target === dialog) closeDialog(dialog); // the backdrop
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

function control(field, id) {
  const attributes = { id, name: field.name, ...field.attributes };
  if (!field.options) {
    const tag = field.type === "textarea" ? "textarea" : "input";
    if (tag === "input") attributes.type = field.type ?? "text";
    const input = element(tag, { autocomplete: "off", ...attributes });
    if (field.type === "checkbox") input.checked = Boolean(field.value);
    else input.value = field.value ?? "";
    return input;
  }
  const select = element("select", attributes);
  for (const [value, label] of field.options) select.append(element("option", { value }, label));
  select.value = field.value ?? field.options[0][0];
  return select;
}

function row(field) {
  const id = `field-${++lastId}`;
  const line = element("div", {
    class: field.type === "checkbox" ? "field check" : "field",
    "data-field": field.name,
  });
  const input = control(field, id);
  const label = element("label", { for: id }, field.label);
  line.append(...(field.type === "checkbox" ? [input, label] : [label, input]));
  if (field.hint) {
    const hint = element("p", { class: "hint", id: `${id}-hint` }, field.hint);
    input.setAttribute("aria-describedby", hint.id);
    line.append(hint);
  }
  return line;
}

/**
 * A form in a window. `act` is given the values; when it rejects, the window stays and says why.
 * @param {{ title: string, fields: object[], submit: string, isDanger?: boolean, text?: string,
 *   act(values: Record<string, string>): Promise<void>, changed?(form: HTMLFormElement): void }} what
 */
export function openForm({ title, text, fields, submit, isDanger = false, act, changed }) {
  const form = element("form", { class: "fields" });
  if (text) form.append(element("p", {}, text));
  form.append(...fields.map(row));
  const problem = element("p", { class: "error", role: "alert", "data-testid": "form-error" });
  const send = element("button", { class: isDanger ? "danger primary" : "primary" }, submit);
  const footer = element(
    "footer",
    {},
    button("Cancel", () => closeDialog(dialog)),
    send,
  );
  form.append(problem, footer);
  const dialog = openDialog(title, form);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    send.disabled = true;
    problem.textContent = "";
    try {
      await act(
        Object.fromEntries(
          [...form.elements]
            .filter((input) => input.name)
            .map((input) => [
              input.name,
              input.type === "checkbox" ? input.checked : input.value.trim(),
            ]),
        ),
      );
      closeDialog(dialog);
    } catch (refusal) {
      problem.textContent = inWords(refusal);
    }
    send.disabled = false;
  });
  if (changed) {
    form.addEventListener("input", () => changed(form));
    changed(form);
  }
  form.querySelector("input, select, textarea")?.focus();
  return dialog;
}

/** Asks before what cannot be taken back. */
export function confirmed(title, text, submit, act) {
  return openForm({ title, text, fields: [], submit, isDanger: true, act });
}
