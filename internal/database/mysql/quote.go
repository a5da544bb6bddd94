package mysql

import (
	"encoding/hex"
	"strings"
)

// Quote is a text as statements have it.
func Quote(text string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`, "\n", `\n`, "\r", `\r`, "\x00", `\0`).Replace(text) + "'"
}

// Name is a name as statements have it.
func Name(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// Hex is a text as statements have it whatever the modes of the session, and Bytes is
// what is no text.
func Hex(text string) string { return "_utf8mb4 " + Bytes([]byte(text)) }

// Bytes is what is no text, as statements have it.
func Bytes(b []byte) string { return "X'" + hex.EncodeToString(b) + "'" }
