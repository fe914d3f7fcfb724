// SPDX-License-Identifier: Apache-2.0

package prose

import (
	"encoding/json"
	"io"
)

// JSON writes a value as a document that people can read as well, with nothing escaped
// that only HTML would need.
func JSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
