package protocol

import (
	"strings"

	"github.com/aloft-cloud/aloft/internal/jx"
)

// javaName is the type of the shape's values as AWS's parser names it, where
// the service's own types are in the package pkg.
func (s *shape) javaName(pkg string) string {
	switch s.kind {
	case kindList:
		return "java.util.List<" + s.elem.javaName(pkg) + ">"
	case kindMap:
		return "java.util.Map<java.lang.String, " + s.elem.javaName(pkg) + ">"
	case kindStruct:
		return pkg + s.structure.name
	case kindBool:
		return "java.lang.Boolean"
	case kindInt32:
		return "java.lang.Integer"
	case kindInt64:
		return "java.lang.Long"
	case kindFloat32, kindFloat64:
		return "java.lang.Double"
	case kindBlob:
		return "java.nio.ByteBuffer"
	}
	return "java.lang.String"
}

// misfits reports whether the next value is no object, as the shape wants one.
// It fails in the words of the parser of services whose words are known, which
// tell a member from an element.
func (d *decoder) misfits(r *jx.Reader, s *shape) bool {
	if d.java == "" {
		return false
	}
	switch r.Kind() {
	case jx.Object, jx.Invalid:
		return false
	case jx.Array:
		kind := ""
		if s.kind == kindStruct {
			kind = "class "
		}
		r.Fail(words("Unrecognized collection type " + kind + s.javaName(d.java)))
	default:
		if s.kind == kindStruct && len(d.path) > 0 && d.path[len(d.path)-1].field == nil {
			r.Fail(words("Unexpected value type in payload"))
		} else {
			r.Fail(words("Unexpected field type"))
		}
	}
	return true
}

// elementMisfits reports whether the next value, if it is an element that is to
// be a list, is neither one nor an object.
func (d *decoder) elementMisfits(r *jx.Reader) bool {
	if d.java == "" || len(d.path) == 0 || d.path[len(d.path)-1].field != nil {
		return false
	}
	switch r.Kind() {
	case jx.Object, jx.Array, jx.Invalid:
		return false
	}
	r.Fail(words(jx.NotCollection))
	return true
}

// memberMisfits is misfits for a member that brings its own form: what forms
// say of values is what the parser says of elements.
func (d *decoder) memberMisfits(r *jx.Reader) bool {
	if d.java == "" {
		return false
	}
	switch r.Kind() {
	case jx.Object, jx.Array, jx.Invalid:
		return false
	}
	r.Fail(words("Unexpected field type"))
	return true
}

// javaPackage is the package of the types of a service whose errors have the
// namespace, or "".
func javaPackage(namespace string) string { return strings.Replace(namespace, "#", ".", 1) }
