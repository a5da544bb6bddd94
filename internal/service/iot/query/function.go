package query

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/aloft-cloud/aloft/internal/aws"
	"github.com/aloft-cloud/aloft/internal/javatime"
	"github.com/aloft-cloud/aloft/internal/tree"
)

// A function is called by name, with least to most arguments; most < 0 is any.
type function struct {
	least, most int
	call        func(x *scope, args []tree.Value) tree.Value
}

// functions are those that statements may call, by their names in lower case.
var functions = allFunctions()

// external are functions of AWS's that ask others, or that Aloft does not have.
var external = map[string]bool{
	"aws_lambda": true, "get_dynamodb": true, "get_mqtt_property": true, "get_registry_data": true, "get_secret": true,
	"get_thing_shadow": true, "md2": true, "get_user_properties": true, "machinelearning_predict": true, "time_to_epoch": true, "transform": true,
}

func allFunctions() map[string]function {
	all := map[string]function{
		"accountid":      fact(func(x *scope) string { return x.msg.Account }),
		"clientid":       fact(func(x *scope) string { return x.msg.ClientID }),
		"principal":      fact(func(x *scope) string { return x.msg.Principal }),
		"sourceip":       fact(func(x *scope) string { return x.msg.SourceIP }),
		"sql_version":    fact(func(x *scope) string { return x.version }),
		"traceid":        fact(func(x *scope) string { return x.msg.TraceID }),
		"newuuid":        fact(func(*scope) string { return aws.NewRequestID() }),
		"timestamp":      {0, 0, func(x *scope, _ []tree.Value) tree.Value { return whole(int(x.msg.At.UnixMilli())) }},
		"topic":          {0, 1, topic},
		"parse_time":     {2, 3, parseTime},
		"get":            {2, 2, func(_ *scope, args []tree.Value) tree.Value { return get(args[0], args[1]) }},
		"get_or_default": {2, 2, getOrDefault},
		"isnull":         {1, 1, func(_ *scope, args []tree.Value) tree.Value { return args[0] == nil }},
		"isundefined":    {1, 1, func(_ *scope, args []tree.Value) tree.Value { return args[0] == Undefined }},
		"nanvl":          {2, 2, getNumber},
	}
	addTexts(all)
	addNumbers(all)
	return all
}

// fact is a function that says something of the message.
func fact(say func(*scope) string) function {
	return function{0, 0, func(x *scope, _ []tree.Value) tree.Value { return say(x) }}
}

// topic is the topic, or a part of it: the first is 1.
func topic(x *scope, args []tree.Value) tree.Value {
	if len(args) == 0 {
		return x.msg.Topic
	}
	n, ok := integer(args[0])
	parts := strings.Split(x.msg.Topic, "/")
	if !ok || n < 1 || n > len(parts) {
		return Undefined
	}
	return parts[n-1]
}

// parseTime writes a time in ms as a pattern says, in a zone.
func parseTime(_ *scope, args []tree.Value) tree.Value {
	pattern, ok := args[0].(string)
	ms, too := integer(args[1])
	if !ok || !too {
		return Undefined
	}
	p, err := javatime.Parse(pattern)
	if err != nil {
		return Undefined
	}
	zone := time.UTC
	if len(args) == 3 {
		name, ok := args[2].(string)
		if !ok || name == "Local" {
			return Undefined
		}
		if zone, err = time.LoadLocation(name); err != nil {
			return Undefined
		}
	}
	return p.Format(time.UnixMilli(int64(ms)).In(zone))
}

func getOrDefault(_ *scope, args []tree.Value) tree.Value {
	if args[0] == Undefined {
		return args[1]
	}
	return args[0]
}

// getNumber is its first argument if that is a number, else the second.
func getNumber(_ *scope, args []tree.Value) tree.Value {
	if _, ok := number(args[0]); ok {
		return args[0]
	}
	return args[1]
}

// casts make values of a type.
var casts = map[string]func(tree.Value) tree.Value{
	"string": func(v tree.Value) tree.Value {
		if s, ok := text(v); ok {
			return s
		}
		return Undefined
	},
	"decimal": castNumber,
	"int": func(v tree.Value) tree.Value {
		r, ok := number(castNumber(v))
		if !ok {
			return Undefined
		}
		return rational(new(big.Rat).SetInt(nearest(r)))
	},
	"boolean": castTruth, "bool": castTruth,
}

func castNumber(v tree.Value) tree.Value {
	switch v := v.(type) {
	case bool:
		if v {
			return json.Number("1")
		}
		return json.Number("0")
	case json.Number:
		return v
	case string:
		if r, ok := number(v); ok {
			return rational(r)
		}
	}
	return Undefined
}

func castTruth(v tree.Value) tree.Value {
	switch v := v.(type) {
	case bool, string:
		if b, ok := truth(v); ok {
			return b
		}
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return err == nil && f != 0
	}
	return Undefined
}
