# SPDX-License-Identifier: Apache-2.0

GO      ?= go
DESTDIR ?=
PREFIX  ?= /usr
MANDIR  ?= $(PREFIX)/share/man
DOCDIR  ?= $(PREFIX)/share/doc/obs-btf-guard
SYSCONFDIR ?= /etc
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION)

# The race detector needs a C compiler; without one the tests run all the same.
RACE    := $(shell command -v $$($(GO) env CC) >/dev/null 2>&1 && echo -race)

FUZZTIME ?= 30s
BENCH    ?= .
VULNDB   ?= $(wildcard ../shared/vulndb)

.PHONY: help build demo test lint bench fuzz e2e e2e-obs e2e-qemu e2e-survive e2e-backend e2e-html e2e-postgres testdata install install-build release release-check rpm clean

help: ## what there is
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 18

build: ## the static binary ./obs-btf-guard
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o obs-btf-guard ./cmd/obs-btf-guard

# The incident must be found: any other exit status than 1 fails the demo.
# Without a home it is not remembered in the history of who looks at it.
demo: ## check the incident of openSUSE's 5.15.12-1.3
	@test -x obs-btf-guard || echo 'building obs-btf-guard, which takes some minutes the first time'
	@$(MAKE) --no-print-directory -s build
	@echo '$$ obs-btf-guard check 5.15.12-1.3 --against 5.15.12-1.1'; echo
	@cd testdata/incident && HOME= XDG_STATE_HOME= ../../obs-btf-guard check 5.15.12-1.3 --against 5.15.12-1.1; \
	status=$$?; echo; echo "exit status $$status"; test $$status -eq 1
	@echo 'As it should be: the update leaves a running 5.15.12-1.1 with modules it cannot read.'
	@echo 'On your own packages: ./obs-btf-guard check NEW/ --against OLD/'

test: ## unit and command line tests, with the race detector where there is a C compiler
	@echo 'compiling comes first, minutes without a word; then there is a line for each package'
	$(GO) test $(RACE) -timeout 60m ./...

lint: ## gofmt, vet, staticcheck
	@test -z "$$(gofmt -l cmd pkg internal e2e)" || { echo 'gofmt would change:'; gofmt -l cmd pkg internal e2e; exit 1; }
	$(GO) vet ./... && $(GO) vet -tags e2e,e2eqemu,e2eobs,e2ebackend,e2ehtml,e2epostgres ./e2e/...
	$(GO) tool staticcheck ./... && $(GO) tool staticcheck -tags e2e,e2eqemu,e2eobs,e2ebackend,e2ehtml,e2epostgres ./e2e/...
	cd e2e/formats && $(GO) vet ./... && "$$(cd ../.. && $(GO) tool -n staticcheck)" ./...
	$(GO) test ./internal/architecture

bench: ## benchmarks of the packages; bench/bench.sh measures whole runs
	$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem ./...

fuzz: ## every fuzz target for FUZZTIME
	@grep -ro '^func Fuzz[A-Za-z0-9]*' --include='*_test.go' pkg internal | while IFS=: read -r file func; do \
		echo "$${func#func } ($${file%/*})"; \
		$(GO) test -run '^$$' -fuzz "^$${func#func }$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "./$${file%/*}" || exit 1; \
	done

.PHONY: hostile
hostile: ## all files that were made to do harm, with memory, time and what is left behind; programs that are killed, interrupted, whose files shrink (5 minutes)
	$(GO) test -count=1 -run '^Test(Hostile|Killed|Interrupted|Shrinks)$$' ./cmd/obs-btf-guard -hostile

e2e: ## real distribution kernels, rpmbuild, the running kernel: installs what it needs, downloads 520 MB
	cd e2e/formats && $(GO) test -count=1 -v ./...
	$(GO) test -tags e2e -count=1 -v -timeout 80m ./e2e/...

e2e-obs: ## obs-build on kernels, modules and what is wrong with them, in a build root that it makes (4 minutes)
	GO=$(GO) $(GO) test -tags e2eobs -count=1 -v -timeout 30m ./e2e/obs

e2e-qemu: ## boots kernels of the distribution (FLAVOUR) or of a tree (SOURCE) under qemu, tries thousands of tables and modules of another build on them (12 minutes)
	GO=$(GO) e2e/qemu/run.sh

e2e-survive: ## of e2e-qemu the modules of another build, few of them: signed, compressed, with BPF programs and TCP through them (2 minutes)
	GO=$(GO) e2e/qemu/run.sh -run TestSurvive -survivors 30 -entries 300 -attached 20

e2e-backend: ## what is asked of OBS, on a real backend on loopback: installs obs-server (3 to 25 minutes)
	$(GO) test -tags e2ebackend -count=1 -v -timeout 40m -parallel 6 ./e2e/backend

e2e-html: ## the HTML reports in a headless Chromium: installs it (2 minutes)
	$(GO) test -tags e2ehtml -count=1 -v ./e2e/html

e2e-postgres: ## a history that 20 programs write to, in Debian's PostgreSQL: installs it (1 minute)
	$(GO) test -tags e2epostgres -count=1 -v -timeout 10m ./e2e/postgres

testdata: ## make the fixtures again from their sources
	testdata/incident/make.sh
	testdata/distil/make.sh
	testdata/outlives/make.sh
	testdata/products/make.sh
	testdata/tables/make.sh

# No compiler is needed, which root may not have in its PATH.
install: ## what "make build" built, into DESTDIR and PREFIX: the program with its pages and completions
	@test -x obs-btf-guard || { echo 'make build comes first, and needs no root' >&2; exit 1; }
	install -D -m 755 obs-btf-guard $(DESTDIR)$(PREFIX)/bin/obs-btf-guard
	install -D -m 755 obs/obs-btf-guard-published $(DESTDIR)$(PREFIX)/bin/obs-btf-guard-published
	install -D -m 644 obs/btfguard.py $(DESTDIR)$(PREFIX)/lib/osc-plugins/btfguard.py
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man1 docs/man/*.1
	ln -sf obs-btf-guard-provides.1 $(DESTDIR)$(MANDIR)/man1/obs-btf-guard-requires.1
	install -D -m 644 -t $(DESTDIR)$(MANDIR)/man5 docs/man/*.5
	install -D -m 644 completions/obs-btf-guard.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/obs-btf-guard
	install -D -m 644 completions/obs-btf-guard.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/obs-btf-guard.fish
	install -D -m 644 completions/_obs-btf-guard $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_obs-btf-guard
	install -D -m 644 LICENSE $(DESTDIR)$(PREFIX)/share/licenses/obs-btf-guard/LICENSE
	install -D -m 644 -t $(DESTDIR)$(DOCDIR) README.md CHANGELOG.md CONTRIBUTING.md SECURITY.md
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/docs docs/*.md docs/performance.svg docs/fingerprint-vectors.json docs/fingerprint-vectors.py
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/docs/decisions docs/decisions/*.md
	install -D -m 644 -t $(DESTDIR)$(DOCDIR)/obs obs/README.md

install-build: ## what every rpmbuild and obs-build of this host runs from then on: check, generator, distilling; an edited policy stays
	install -D -m 755 obs/50-check-kernel-btf $(DESTDIR)$(PREFIX)/lib/build/checks/50-check-kernel-btf
	install -D -m 644 obs/kernel_btf.attr $(DESTDIR)$(PREFIX)/lib/rpm/fileattrs/kernel_btf.attr
	install -D -m 644 obs/macros.kernel-btf $(DESTDIR)$(PREFIX)/lib/rpm/macros.d/macros.kernel-btf
	install -D -m 755 obs/brp-50-kernel-btf $(DESTDIR)$(PREFIX)/lib/rpm/brp-suse.d/brp-50-kernel-btf
	test -e $(DESTDIR)$(SYSCONFDIR)/obs-btf-guard.conf || \
		install -D -m 644 obs/obs-btf-guard.conf $(DESTDIR)$(SYSCONFDIR)/obs-btf-guard.conf

release: ## the archives of a release of git HEAD in build/release
	GO=$(GO) .ci/release build/release

release-check: ## makes those of ARCHES twice, in two places: both must have the same bytes
	rm -rf build/release build/release-again
	GO=$(GO) .ci/release build/release > /dev/null
	rm -rf build/elsewhere && git clone -q . build/elsewhere
	cd build/elsewhere && GO=$(GO) .ci/release ../release-again > /dev/null
	rm -rf build/elsewhere
	cmp build/release/SHA256SUMS build/release-again/SHA256SUMS && cat build/release/SHA256SUMS

rpm: ## source and binary packages of git HEAD in build/rpm; CHECK=1 runs all tests too (5 minutes)
	GO=$(GO) obs/rpm.sh

.PHONY: sbom
sbom: build ## what ./obs-btf-guard is built from, with licenses, as CycloneDX: build/obs-btf-guard.cdx.json
	@mkdir -p build
	$(GO) run ./internal/sbom obs-btf-guard > build/obs-btf-guard.cdx.json

.PHONY: vuln
vuln: ## known vulnerabilities in what the program calls, by govulncheck; VULNDB=DIR is a copy of its database, as data/osv in a clone of golang/vulndb
	@mkdir -p build
	@$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 $(if $(VULNDB),-db 'file://$(abspath $(VULNDB))') ./... > build/vuln.txt 2>&1; status=$$?; cat build/vuln.txt; \
	if grep -q 'fetching vulnerabilities' build/vuln.txt; then echo 'NOT CHECKED: the database of vulnerabilities is out of reach, and VULNDB names no copy of it'; else exit $$status; fi

clean: ## what build, test and rpm leave behind
	rm -rf obs-btf-guard build
	$(GO) clean -testcache
