export {};

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the browser is that all files of tests share. */
    browser: string;
  }
}
