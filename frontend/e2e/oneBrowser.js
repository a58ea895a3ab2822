/**
 * Starts the browser that all files of tests share, each with contexts of its own: to start one for
 * each would take a second of the processor.
 */
import { launchSharedBrowser } from './browser.js';

/** @param {import('vitest/node').TestProject} project */
export default async function start(project) {
  const browser = await launchSharedBrowser();
  project.provide('browser', browser.wsEndpoint());
  return () => browser.close();
}
