// What the service tells the page before anybody signs in (config.json): the guide's words, limits, whom to ask. Pure.
//
//   keepSettings(await response.json());  settings.limits.files_at_once

export const settings = {};

export const keepSettings = (told) => Object.assign(settings, told);
