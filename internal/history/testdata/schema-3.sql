-- The incident's two builds in schema 3, by sqlite3 .dump.
PRAGMA application_id = 1112819272;
PRAGMA user_version = 3;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE base (  -- a vmlinux in a package
	digest        TEXT NOT NULL REFERENCES package,
	path          TEXT NOT NULL,
	arch          TEXT NOT NULL,
	kernelrelease TEXT NOT NULL,
	flavor        TEXT NOT NULL,
	fingerprint   TEXT NOT NULL,     -- sha256:..., '' without .BTF
	types         TEXT NOT NULL,
	strings       TEXT NOT NULL,
	type_count    INTEGER NOT NULL,  -- void not counted
	string_bytes  INTEGER NOT NULL,
	compiler      TEXT NOT NULL,     -- as its config says, '' where it does not
	linker        TEXT NOT NULL,
	pahole        TEXT NOT NULL,
	PRIMARY KEY (digest, path)
);
INSERT INTO "base" VALUES('d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','/usr/lib/modules/5.15.12-1-default/vmlinux.xz','x86_64','5.15.12-1-default','default','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','sha256:5d2087796a28655d16d51eada384479acc35c3b6c3c54f481eb5e5e91c82b95c','sha256:e1baa32a929720bbb88cf65b167c73ca310856c1327ff45f75c81fafbde0060d',540,7838,'gcc (SUSE Linux) 11.2.1 20211124','','');
INSERT INTO "base" VALUES('0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','/usr/lib/modules/5.15.12-1-default/vmlinux.xz','x86_64','5.15.12-1-default','default','sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d','sha256:8adedc261a2d92e6091eb3c52ae7d4ab6855b4c7c69865ca9bb3b6af2e403882','sha256:ebde0a73318130dd0ebaf8ad0311bddf74ee0300d864d738a61ed15d4a1adda8',536,7787,'gcc (SUSE Linux) 11.2.1 20211124','','');
CREATE TABLE judgement (  -- how many modules of a package came to what verdict on a vmlinux
	digest      TEXT NOT NULL REFERENCES package,  -- the modules' package
	base        TEXT NOT NULL,     -- digest of the vmlinux's package, '' for a loose file or none
	fingerprint TEXT NOT NULL,     -- of the vmlinux, '' without .BTF or none
	pairing     TEXT NOT NULL,
	verdict     TEXT NOT NULL,
	severity    TEXT NOT NULL,
	modules     INTEGER NOT NULL,
	judged      INTEGER NOT NULL,  -- seconds since 1970
	PRIMARY KEY (digest, base, fingerprint, pairing, verdict, severity)
);
INSERT INTO "judgement" VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','build','same-base','ok',2,1795378318);
INSERT INTO "judgement" VALUES('d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d','rebuild','rejected','fail',5,1795378318);
INSERT INTO "judgement" VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d','rebuild','rejected','fail',2,1795378318);
INSERT INTO "judgement" VALUES('0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','rebuild','rejected','fail',3,1795378318);
INSERT INTO "judgement" VALUES('0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','rebuild','misread','fail',2,1795378318);
INSERT INTO "judgement" VALUES('864534141d63d67394ecc8f8e53b6e1eff06b380c8e77009eee2454a8d48f2b4','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','rebuild','rejected','fail',2,1795378318);
INSERT INTO "judgement" VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','sha256:42844fc3093af9ffa696a5c5b03f5b5536f1319f65a5b76c17cbd95da1f7ec5d','across','no-btf','ok',1,1795378318);
INSERT INTO "judgement" VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','across','no-btf','ok',1,1795378318);
INSERT INTO "judgement" VALUES('d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','sha256:94460e068ad0e08b2068845da42d89bebfc6edb219b7f0ac1c49da7b0f55f953','build','same-base','ok',5,1795378318);
CREATE TABLE memo (  -- what programs found out with effort; any row may be deleted
	key   TEXT PRIMARY KEY,  -- made of all that it depends on
	value TEXT NOT NULL,     -- JSON
	kept  INTEGER NOT NULL   -- seconds since 1970
);
INSERT INTO "memo" VALUES('kept','{"by":"schema 2"}',4000000000);
CREATE TABLE package (  -- an RPM that was read
	digest   TEXT PRIMARY KEY,  -- SHA-256 of its header, in hex
	package  TEXT NOT NULL,     -- name-[epoch:]version-release.arch
	source   TEXT NOT NULL,     -- name of the source package
	release  TEXT NOT NULL,     -- version-release
	disturl  TEXT NOT NULL,
	project  TEXT NOT NULL,     -- of OBS, from disturl
	host     TEXT NOT NULL,     -- that it was built on
	built    INTEGER NOT NULL,  -- seconds since 1970, 0: unknown
	seen     INTEGER NOT NULL,  -- likewise, when it was first recorded
	complete INTEGER NOT NULL   -- 1: every vmlinux in it is in base
, used INTEGER NOT NULL DEFAULT 0);
INSERT INTO "package" VALUES('d7f246ff3147f7314d2fe7102f90486853d2902310ced61f06bee590f7412fd8','kernel-default-5.15.12-1.3.x86_64','kernel-default','5.15.12-1.3','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,1,1795378318);
INSERT INTO "package" VALUES('0cbb29679eeb02eed7331bb8291fe9e52efcb4a0564ae7ded0ad9e821e799e89','kernel-default-5.15.12-1.1.x86_64','kernel-default','5.15.12-1.1','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,1,1795378318);
INSERT INTO "package" VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','kernel-default-extra-5.15.12-1.3.x86_64','kernel-default','5.15.12-1.3','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,0,1795378318);
INSERT INTO "package" VALUES('864534141d63d67394ecc8f8e53b6e1eff06b380c8e77009eee2454a8d48f2b4','kernel-default-extra-5.15.12-1.1.x86_64','kernel-default','5.15.12-1.1','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,0,1795378318);
INSERT INTO "package" VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64','ipu6','1.0_k5.15.12_1-2.1','obs://build.example.org/openSUSE:Factory/standard/a41f8d02c7be4f5f9e6b3c2d1a0f7e58-ipu6','openSUSE:Factory','buildhost',1640789416,1795378318,0,1795378318);
CREATE INDEX base_fingerprint ON base (fingerprint);
CREATE INDEX judgement_base ON judgement (base, fingerprint);
CREATE INDEX package_used ON package (used);
CREATE INDEX package_project ON package (project);
CREATE INDEX base_kernelrelease ON base (kernelrelease);
CREATE INDEX memo_kept ON memo (kept);
COMMIT;
