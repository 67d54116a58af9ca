/**
 * No HTML is made of texts, whoever asks for it, the libraries included: plain text may pass, markup becomes nothing.
 * Browsers with trusted types hold everything against this; in the others, the modules just never make any.
 */
if (window.trustedTypes) {
  window.trustedTypes.createPolicy("default", {
    createHTML: (text) => (/[<&]/.test(text) ? "" : text),
  });
}
