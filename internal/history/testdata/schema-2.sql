-- The incident's two builds in schema 2, by sqlite3 .dump.
PRAGMA application_id = 1112819272;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
);
INSERT INTO package VALUES('b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','kernel-default-5.15.12-1.3.x86_64','kernel-default','5.15.12-1.3','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,1);
INSERT INTO package VALUES('dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','kernel-default-5.15.12-1.1.x86_64','kernel-default','5.15.12-1.1','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,1);
INSERT INTO package VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','kernel-default-extra-5.15.12-1.3.x86_64','kernel-default','5.15.12-1.3','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,0);
INSERT INTO package VALUES('864534141d63d67394ecc8f8e53b6e1eff06b380c8e77009eee2454a8d48f2b4','kernel-default-extra-5.15.12-1.1.x86_64','kernel-default','5.15.12-1.1','obs://build.example.org/openSUSE:Factory/standard/5d2c1b7e9f3a48606b0e7d5c2f914a83-kernel-default','openSUSE:Factory','buildhost',1640789416,1795378318,0);
INSERT INTO package VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','ipu6-kmp-default-1.0_k5.15.12_1-2.1.x86_64','ipu6','1.0_k5.15.12_1-2.1','obs://build.example.org/openSUSE:Factory/standard/a41f8d02c7be4f5f9e6b3c2d1a0f7e58-ipu6','openSUSE:Factory','buildhost',1640789416,1795378318,0);
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
INSERT INTO base VALUES('b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','/usr/lib/modules/5.15.12-1-default/vmlinux.xz','x86_64','5.15.12-1-default','default','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','sha256:c1ef8394035190db69f24c2dd29cd868b17077bcbd1a7cb47ffa38c5716c807f','sha256:e1baa32a929720bbb88cf65b167c73ca310856c1327ff45f75c81fafbde0060d',540,7838,'gcc (SUSE Linux) 11.2.1 20211124','','');
INSERT INTO base VALUES('dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','/usr/lib/modules/5.15.12-1-default/vmlinux.xz','x86_64','5.15.12-1-default','default','sha256:8c4d27686c13aa439ea2ff7996485873c1b259fd7ca01e460c8c29a71898afea','sha256:8470d5e38a78807d201b120234d16c4d2d5d3657ff185f72cc8eb3fd478adc4c','sha256:ebde0a73318130dd0ebaf8ad0311bddf74ee0300d864d738a61ed15d4a1adda8',536,7787,'gcc (SUSE Linux) 11.2.1 20211124','','');
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
INSERT INTO judgement VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','build','same-base','ok',2,1795378318);
INSERT INTO judgement VALUES('b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','sha256:8c4d27686c13aa439ea2ff7996485873c1b259fd7ca01e460c8c29a71898afea','rebuild','rejected','fail',5,1795378318);
INSERT INTO judgement VALUES('064eb7d834ef189e66019932f0e054dbf7d9d09a41495014c11be3db079c98fd','dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','sha256:8c4d27686c13aa439ea2ff7996485873c1b259fd7ca01e460c8c29a71898afea','rebuild','rejected','fail',2,1795378318);
INSERT INTO judgement VALUES('dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','rebuild','rejected','fail',3,1795378318);
INSERT INTO judgement VALUES('dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','rebuild','misread','fail',2,1795378318);
INSERT INTO judgement VALUES('864534141d63d67394ecc8f8e53b6e1eff06b380c8e77009eee2454a8d48f2b4','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','rebuild','rejected','fail',2,1795378318);
INSERT INTO judgement VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','dec38b1bf3b36a6b08127b5dd708bb76e2e164b69594b993e3e4d5c5aa53955b','sha256:8c4d27686c13aa439ea2ff7996485873c1b259fd7ca01e460c8c29a71898afea','across','no-btf','ok',1,1795378318);
INSERT INTO judgement VALUES('38939fec541d91b79a40d44e31ddb84ee1813885ff3fdc15c5d5d6e6eb49a46a','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','across','no-btf','ok',1,1795378318);
INSERT INTO judgement VALUES('b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','b7463acfc64bb6a05aa79e8f4c0e68d45c5a6a5207ff10e784d827a40eca83d1','sha256:18720e183f0ff8d5c18949905769050c4751ff3ad17f25180a4e5ce34715a360','build','same-base','ok',5,1795378318);
CREATE TABLE memo (  -- what programs found out with effort; any row may be deleted
	key   TEXT PRIMARY KEY,  -- made of all that it depends on
	value TEXT NOT NULL,     -- JSON
	kept  INTEGER NOT NULL   -- seconds since 1970
);
INSERT INTO memo VALUES('kept','{"by":"schema 2"}',4000000000);
CREATE INDEX base_fingerprint ON base (fingerprint);
CREATE INDEX judgement_base ON judgement (base, fingerprint);
COMMIT;
