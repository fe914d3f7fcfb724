# SPDX-License-Identifier: Apache-2.0
"""As much of osc as obs/btfguard.py touches, and not a line of it.

    osc.py PLUGIN SETTINGS WORDS...

SETTINGS is JSON: what is configured for the API, and "project", that of the
working copy. Names and meanings are those of osc 1.4 to 1.27.
"""

import argparse
import importlib.util
import json
import sys
from types import ModuleType, SimpleNamespace

plugin, settings, words = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3:]
API = "https://obs.example"


class NoWorkingCopy(Exception):
    pass


class OscCommand:
    def __init__(self):
        self.parser = argparse.ArgumentParser(prog="osc " + self.name)
        self.init_arguments()

    def add_argument(self, *args, **kwargs):
        return self.parser.add_argument(*args, **kwargs)


def host_options(apiurl):
    assert apiurl == API
    return SimpleNamespace(
        sshkey=settings.get("sshkey"),
        credentials_mgr_class=settings.get("class"),
        password="geheim",
    )


def store(path):
    if "project" not in settings:
        raise NoWorkingCopy()
    return SimpleNamespace(project=settings["project"])


def repos(apiurl, project):
    assert apiurl == API
    for name, arch in ("a", "x86_64"), ("b", "x86_64"), ("b", "i586"):
        yield SimpleNamespace(name=name, arch=arch)


def module(name, **names):
    new = sys.modules[name] = ModuleType(name)
    vars(new).update(names)
    return new


osc = module("osc")
osc.commandline = module("osc.commandline", OscCommand=OscCommand)
osc.conf = module(
    "osc.conf",
    config={"conffile": settings.get("conffile")},
    get_apiurl_api_host_options=host_options,
)
osc.core = module("osc.core", get_repos_of_project=repos)
osc.oscerr = module("osc.oscerr", NoWorkingCopy=NoWorkingCopy)
osc.store = module("osc.store", get_store=store)

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("osc.commands.home.btfguard", plugin)
loaded = importlib.util.module_from_spec(spec)
spec.loader.exec_module(loaded)
command = loaded.BtfguardCommand()
args, unknown = command.parser.parse_known_args(words)
args.apiurl = API
assert not unknown
sys.exit(command.run(args))
