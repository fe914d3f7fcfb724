// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"bytes"
	"strings"
)

// Config is a kernel configuration: option names with their CONFIG_ to values
// as written, "y", "m", "10" or "\"text\"". An option that is written as not
// set has the value "n". One that the kernel's Kconfig does not offer, or whose
// dependencies are not met, is missing.
type Config map[string]string

// ParseConfig reads the text of a .config. Lines that set nothing are passed
// over; of several lines for one option the last counts, as for the kernel's
// own reader (scripts/kconfig/confdata.c).
func ParseConfig(text []byte) Config {
	config := Config{}
	for line := range bytes.Lines(text) {
		line := strings.TrimSpace(string(line))
		if rest, ok := strings.CutPrefix(line, "# CONFIG_"); ok {
			if name, ok := strings.CutSuffix(rest, " is not set"); ok {
				config["CONFIG_"+name] = "n"
			}
			continue
		}
		if name, value, ok := strings.Cut(line, "="); ok && strings.HasPrefix(name, "CONFIG_") {
			config[name] = value
		}
	}
	return config
}

// Get returns the value of an option, CONFIG_ included in its name. known is
// false where the configuration does not mention it, as in a nil Config.
func (c Config) Get(option string) (value string, known bool) {
	value, known = c[option]
	return value, known
}

// Enabled says whether an option is built in or a module.
func (c Config) Enabled(option string) (on, known bool) {
	value, known := c[option]
	return value == "y" || value == "m", known
}
