// Lint rules of the dashboard. Beside the usual ones: agent text is hostile, so nothing may turn a string into markup.
import js from "@eslint/js";
import globals from "globals";

const markup = ["innerHTML", "outerHTML", "insertAdjacentHTML", "srcdoc"].map((property) => ({
  property,
  message: "Text from agents is hostile: use textContent, or safe.js for rendered Markdown.",
}));

export default [
  js.configs.recommended,
  {
    files: ["web/app/**/*.js"],
    languageOptions: { ecmaVersion: 2023, sourceType: "module", globals: globals.browser },
    rules: {
      eqeqeq: "error",
      "no-console": "error",
      "no-eval": "error",
      "no-implied-eval": "error",
      "no-restricted-properties": ["error", ...markup, { object: "document", property: "write" }],
      "no-var": "error",
      "prefer-const": "error",
      "max-lines": ["error", { max: 220, skipBlankLines: true, skipComments: true }],
      "max-lines-per-function": ["error", { max: 40 }],
      "max-len": ["error", { code: 160 }],
      complexity: ["error", 14],
    },
  },
];
