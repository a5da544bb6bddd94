package serverless

import "slices"

// declared merges what the application declares itself into the template, and
// last the extensions of what we made.
func (b *builder) declared(template object) error {
	resources := asObject(clone(b.s.root["resources"]))
	extensions := asObject(resources["extensions"])
	delete(resources, "extensions")
	// Some put resources beside each other without a section for them.
	for id, r := range resources {
		if at(r, "Type") != nil && id != "Resources" && id != "Outputs" {
			b.s.note([]string{"resources", id}, "it is no section of a template; resources belong under resources.Resources")
			delete(resources, id)
		}
	}
	merge(template, resources)
	for _, id := range keys(extensions) {
		r := asObject(b.resources[id])
		path := []string{"resources", "extensions", id}
		if r == nil {
			return b.s.errorAt(path, "there is no resource %s to extend", id)
		}
		if err := b.extension(path, r, asObject(extensions[id])); err != nil {
			return err
		}
	}
	return nil
}

var extensible = []string{"Condition", "CreationPolicy", "DeletionPolicy", "UpdatePolicy", "UpdateReplacePolicy"}

// extension changes a resource: its properties are replaced one by one.
func (b *builder) extension(path []string, r, extension object) error {
	for _, attribute := range keys(extension) {
		v := extension[attribute]
		switch {
		case slices.Contains(extensible, attribute):
			r[attribute] = v
		case attribute == "Properties", attribute == "Metadata":
			m := asObject(r[attribute])
			if m == nil {
				m = object{}
				r[attribute] = m
			}
			for key, member := range asObject(v) {
				m[key] = member
			}
		case attribute == "DependsOn":
			r[attribute] = append(list(r[attribute]), list(v)...)
		default:
			return b.s.errorAt(in(path, attribute), "extensions do not have it")
		}
	}
	return nil
}
