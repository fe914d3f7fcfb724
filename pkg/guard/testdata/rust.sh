#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Makes rust-names.btf and rust-unit.btf: what pahole writes of Rust code that it is not
# told to leave out. Made with rustc 1.95 and pahole 1.24.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cat > "$work/rust-names.rs" <<'END'
#![crate_type = "lib"]
#![no_std]
pub struct Guard<'a, T: ?Sized> { lock: &'a T, flag: bool }
pub enum State { Idle, Busy(u32), Name(&'static str) }
#[repr(C)] pub struct Dev { pub id: u16, pub state: State, pub next: Option<&'static Dev>, pub big: u128, pub z: () }
pub trait Ops { fn open(&self) -> u32; }
impl Ops for Dev { fn open(&self) -> u32 { match &self.state { State::Busy(n) => *n, _ => 0 } } }
#[no_mangle] pub fn rust_probe(d: &Dev, o: &dyn Ops) -> Option<u32> { let f = |x: u32| x + d.id as u32; Some(f(o.open())) }
#[no_mangle] pub fn rust_guard<'a>(d: &'a Dev, s: &'a [u8]) -> Guard<'a, Dev> { Guard { lock: d, flag: s.len() > 3 } }
#[no_mangle] pub fn rust_result(x: Result<u8, &'static str>) -> (u8, char) { (x.unwrap_or(0), 'c') }
END
cat > "$work/rust-unit.rs" <<'END'
#![crate_type = "lib"]
#![no_std]
pub struct dev { pub id: u16, pub width: u32 }
#[no_mangle] pub fn rust_probe(d: &dev) -> u32 { d.id as u32 + d.width }
END
for name in rust-names rust-unit; do
	rustc -A warnings -g -O --emit=obj -C panic=abort -o "$work/$name.o" "$work/$name.rs"
	rm -f "$name.btf" # pahole does not cut off what is longer
	pahole --btf_encode_detached="$name.btf" "$work/$name.o"
done
