#!/bin/sh
# Installs what a running Lapwing needs into the current folder, as the lockfile says. Used by the image and by its test.
set -eu
pnpm=$(node -p "require('./package.json').packageManager")
npx -y "$pnpm" install --prod --frozen-lockfile --ignore-scripts --filter '@lapwing/cli...'
# Maps of other people's code are nearly half of it, and nothing that runs reads them.
find node_modules/.pnpm -name '*.map' -delete
# Everybody may read, nobody may write: the image runs as a user who owns nothing.
chmod -R a+rX,go-w libs services cli deploy
