// Package vtl runs templates in the Velocity Template Language, as API Gateway
// and AppSync do. It knows nothing of either: what $input or $util are, says who
// calls it.
//
//	t, err := vtl.Parse("#foreach($p in $pets)$p.name#if($foreach.hasNext), #end#end")
//	text, err := t.Render(vtl.Config{}, map[string]any{"pets": pets})
//
// Values are nil, bool, int64, float64, string, *List, *Map, Entry, and what
// implements Object. They have the methods that the Java classes have which
// stand behind them in AWS: strings those of java.lang.String, and so on.
//
// A template cannot run for long: what it may print, how often it may go round
// and how deep macros may nest is limited.
//
//	parse.go expr.go        text -> nodes      value.go    values, and how they print
//	node.go operation.go    nodes -> text      method.go   what values can do
//	reference.go            both, of what begins with $
package vtl
