# SPDX-License-Identifier: Apache-2.0
"""osc btfguard: obs-btf-guard as a command of osc.

For /usr/lib/osc-plugins, with osc 1.4 or later. All work is done by the
program; here it only gets what osc knows: API, configuration and project.
"""

import argparse
import itertools
import os
import signal
import subprocess
import sys

try:
    import osc.conf
    import osc.core
    import osc.oscerr
    import osc.store
    from osc.commandline import OscCommand
except ImportError as missing:
    # osc ends where a plugin raises an error, whatever it was called for.
    print("osc btfguard: needs osc 1.4 or later and is not there:", missing, file=sys.stderr)
    OscCommand = None

PROGRAM = "obs-btf-guard"

# The options of "rebuild" that have no value. Behind any other stands one,
# which is not to be taken for a project.
SWITCHES = {"dry-run", "n", "yes", "y", "wait", "w", "no-cache", "help", "h"}


class BtfguardCommand(OscCommand or object):
    """
    Have OBS build again what does not fit its kernel

    osc btfguard rebuild [PROJECT [REPOSITORY [ARCH]]] [OPTIONS]
        looks for packages whose kernel modules do not fit the kernel they
        will meet, and with --yes has OBS build them. The project is that of
        the working copy if none is named, or "."; without ARCH or REPOSITORY,
        all of the project are gone through, one after the other: with --yes
        --wait, the next one is looked at when all of the one before is built.
        --repository and --arch do the same as REPOSITORY and ARCH.

    osc btfguard rebuild REPORT|RPM|FOLDER/... [OPTIONS]
        the same for what a build reported, or for packages. A folder is
        written with a slash: RPMS/, ./RPMS

    osc btfguard check RPMS/ [OPTIONS]
        and any other command of obs-btf-guard

    osc btfguard rebuild --help shows the options. The exit status is that of
    obs-btf-guard, the highest of several; where osc itself fails, it is osc's.
    """

    name = "btfguard"

    def init_arguments(self):
        self.add_argument(
            "words",
            metavar="COMMAND ...",
            nargs=argparse.REMAINDER,
            help="command and options of obs-btf-guard",
        )

    def run(self, args):
        if not args.words:
            self.parser.error("which command? rebuild, check, ...")
        # osc has read an empty configuration although it should read none.
        config = osc.conf.config["conffile"] or os.devnull
        env = dict(os.environ, OSC_APIURL=args.apiurl, OSC_CONFIG=config)
        calls = [args.words]
        if args.words[0] == "rebuild":
            calls = self.rebuilds(args.apiurl, args.words[1:])
            if not {"--help", "-h"} & set(args.words):
                env.update(secret(args.apiurl))
        sys.exit(max(start(call, env) for call in calls))

    def rebuilds(self, apiurl, words):
        """The calls of the program that one "rebuild" stands for."""
        options, given, names = split(words)
        if given.keys() & {"A", "apiurl"}:
            # osc has decided on the API already, and on the password for it.
            self.parser.error("-A stands before btfguard: osc -A URL btfguard")
        # A plan names an API, too. With this, another one is an error, and the
        # password that is for this one does not go there.
        call = ["rebuild", "--apiurl", apiurl]
        alone = given.keys() & {"project", "plan", "help", "h"}
        if alone or any(map(is_path, names)):
            return [call + words]
        if len(names) > 3:
            self.parser.error("only PROJECT REPOSITORY ARCH: " + str(names))
        project, repository, arch = names + [None] * (3 - len(names))
        repository = self.either("repository", repository, given)
        arch = self.either("arch", arch, given)
        if project in (None, "."):
            try:
                project = osc.store.get_store(os.getcwd()).project
            except osc.oscerr.NoWorkingCopy:
                self.parser.error("this is no working copy; name a project")
        places = [(repository, arch)]
        if not (repository and arch):
            places = [
                (repo.name, repo.arch)
                for repo in osc.core.get_repos_of_project(apiurl, project)
                if repository in (None, repo.name)
                and arch in (None, repo.arch)
            ]
        if not places:
            self.parser.error("nothing is built for " + " ".join(
                filter(None, (project, repository, arch))))
        if len(places) > 1 and "save-plan" in given:
            self.parser.error("--save-plan: name one REPOSITORY and ARCH")
        call += ["--project", project]
        return [
            call + ["--repository", repository, "--arch", arch] + options
            for repository, arch in places
        ]

    def either(self, option, name, given):
        """What stands among the names, or is given as an option."""
        value = given.get(option, name)
        if option in given and not value:
            self.parser.error("--{}: which one?".format(option))
        if name not in (None, value):
            self.parser.error("--{} {}, or {}?".format(option, value, name))
        return value


def split(words):
    """Options to pass on; all options with their values; all other words.

    --repository and --arch are not to pass on: they belong to the names.
    """
    options, given, names = [], {}, []
    rest = iter(words)
    for word in rest:
        if word == "--":
            names.extend(rest)
        elif word.startswith("-"):
            name, equals, value = word.lstrip("-").partition("=")
            option = [word]
            if not equals and name not in SWITCHES:
                option.extend(itertools.islice(rest, 1))
                value = "".join(option[1:])
            given[name] = value
            if name not in ("repository", "arch"):
                options.extend(option)
        else:
            names.append(word)
    return options, given, names


def is_path(name):
    # Not any folder that is there: a checkout's is called as its project.
    return "/" in name or os.path.isfile(name)


def secret(apiurl):
    """The password that only osc can get at: it asks a keyring, or the user.

    It goes by the environment, which this user and root can read, as they can
    the keyring; a command line can be read by everybody. A password that is in
    the configuration the program finds there, as it does an ssh key.
    """
    host = osc.conf.get_apiurl_api_host_options(apiurl)
    # Without a class named, osc takes what is in the file.
    keeper = host.credentials_mgr_class or "ConfigFile"
    if host.sshkey or "ConfigFile" in keeper:
        return {}
    return {"OSC_PASSWORD": str(host.password)}


def start(call, env):
    """Run the program; its exit status, as a shell would give it."""
    interrupts = []
    # A terminal interrupts the program as well. It tidies up, and may have to
    # say what it leaves half done: it is waited for.
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *args: interrupts.append(args))
    try:
        status = subprocess.call([PROGRAM] + call, env=env)
    except FileNotFoundError:
        print("osc btfguard: there is no", PROGRAM, "in PATH", file=sys.stderr)
        sys.exit(2)
    if status < 0:
        status = 128 - status
    if interrupts:
        sys.exit(status or 130)  # and not on to the next place
    return status


if OscCommand is None:
    # An older osc makes functions and modules of a plugin its own.
    for name in ("BtfguardCommand", "split", "is_path", "secret", "start",
                 "argparse", "itertools", "os", "signal", "subprocess", "sys"):
        del globals()[name]
