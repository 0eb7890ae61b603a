"""The report in a headless browser: nothing on the console, nothing fetched, everything drawn. Skipped without Chromium."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

import harness
from harness import CommandTest, LINE

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)


def browse(folder, page, *options):
    """Standard output and error of a headless run; its profile goes into `folder`."""
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--v=0", "--virtual-time-budget=3000",
         f"--user-data-dir={folder / 'profile'}", *options, page.as_uri()],
        capture_output=True, text=True, errors="replace", timeout=180)
    return done.stdout, done.stderr


class Report(CommandTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        package = cls.train_template()
        code, _, error = harness.run("evaluate", package, LINE, "--out", cls.folder / "evaluation")
        assert code == 0, error
        cls.page = cls.folder / "evaluation/report.html"

    def test_console_is_silent(self):
        out, error = browse(self.folder, self.page, "--dump-dom")
        self.assertIn("</html>", out)
        self.assertEqual([line for line in error.splitlines() if "CONSOLE" in line], [])

    def test_a_broken_page_would_be_seen(self):
        broken = self.folder / "broken.html"
        broken.write_text(self.page.read_text().replace("</body>", "<script>nonsense()</script></body>"))
        _, error = browse(self.folder, broken, "--dump-dom")
        self.assertTrue(any("CONSOLE" in line for line in error.splitlines()), "the check must be able to fail")

    def test_pictures_decode_and_nothing_overflows(self):
        probe = ("<script>addEventListener('load',()=>{const i=[...document.images];document.title=JSON.stringify({"
                 "images:i.length,broken:i.filter(x=>!x.complete||x.naturalWidth===0).length,noalt:i.filter(x=>!x.alt).length,"
                 "wide:document.documentElement.scrollWidth-document.documentElement.clientWidth,"
                 "svgs:document.querySelectorAll('svg').length,resources:performance.getEntriesByType('resource')"
                 ".filter(r=>!r.name.startsWith('data:')).length})})</script></body>")
        probed = self.folder / "probed.html"
        probed.write_text(self.page.read_text().replace("</body>", probe))
        for width in ("1300", "600"):
            out, _ = browse(self.folder, probed, f"--window-size={width},2000", "--dump-dom")
            found = json.loads(out.split("<title>")[1].split("</title>")[0].replace("&quot;", '"'))
            self.assertGreater(found["images"], 5)
            self.assertEqual(found["broken"], 0)
            self.assertEqual(found["noalt"], 0)
            self.assertEqual(found["resources"], 0)
            self.assertLessEqual(found["wide"], 0, f"scrolls sideways at {width} px")
            self.assertGreater(found["svgs"], 3)


if __name__ == "__main__":
    if CHROMIUM is None:
        print("skipped: no Chromium on this machine")
        sys.exit(77)
    harness.main()
