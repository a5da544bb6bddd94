package vtl

import (
	"errors"
	"strings"
	"testing"
)

// render runs a template with $s, $n, $list, $map and $json.
func render(t testing.TB, cfg Config, source string) (string, error) {
	t.Helper()
	parsed, err := Parse(source)
	if err != nil {
		return "", err
	}
	json, err := ParseJSON(`{"a":1,"b":[{"c":true},null,2.5],"s":"x \"y\" é"}`)
	if err != nil {
		t.Fatal(err)
	}
	return parsed.Render(cfg, map[string]any{
		"s": "hello", "n": int64(7), "list": NewList("a", "b", "c"), "map": NewMap().Set("k", "v").Set("l", int64(2)), "json": json,
	})
}

func TestRender(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		got, err := render(t, Config{}, source)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", source, got, err, want)
		}
	}
	// References.
	f("$s ${s}s $!s $!{s}", "hello hellos hello hello")
	f("$none $!none ${none} $!{none.x}|", "$none  ${none} |")
	f("$10.50 and $ and $! and ${", "$10.50 and $ and $! and ${")
	f("${none|'usual'} ${s|'usual'}", "usual hello")
	f("$map.k $map.get('l') $map['k'] $map.none", "v 2 v $map.none")
	f("$list[0] $list.get(1) $list[-1] $list.size()", "a b c 3")
	f("$s.length() $s.substring(1) $s.substring(1, 3) $s.toUpperCase().replace('L','x')", "5 ello el HExxO")
	f("$s.email@x $s. $s.", "$s.email@x hello. hello.")
	f("mail$s@x", "mailhello@x")
	f(`\$s \\$s \$none \\$none \\\$s`, `$s \hello \$none \\$none \$s`)
	// Literals.
	f(`#set($x = "a $s b")$x #set($y = 'a $s b')$y`, "a hello ba $s b")
	f(`#set($x = "say ""hi""")$x#set($y = 'it''s')$y`, `say "hi"it's`)
	f("#set($x = [1, 'b', $n, [true]])$x", "[1, b, 7, [true]]")
	f(`#set($x = {"a": 1, 'b': {"c": [2]}})$x $x.b.c[0]`, "{a=1, b={c=[2]}} 2")
	f("#set($x = [1..4])$x #set($y = [2..-1])$y", "[1, 2, 3, 4][2, 1, 0, -1]")
	f("#set($x = 1.5)$x #set($x = -3)$x #set($x = 1e3)$x#set($x=null)$!x", "1.5-31000.0")
	// Operators.
	f("#set($x = 1 + 2 * 3 - 4 / 2)$x #set($y = 7 % 4)$y#set($z = 7 / 2)$z#set($w = 7 / 2.0)$w", "5333.5")
	f("#set($x = 'a' + 1 + 'b')$x#set($y = ($n - 1) * -2)$y", "a1b-12")
	f("#set($x = 1 / 0)$x", "$x")
	f("#if(1 == 1.0 && 'a' != 'b' and !($n < 7) && $n <= 7 || false)yes#end", "yes")
	f("#if($n eq 7 and 3 lt 4 and not (4 ge 5) or false)yes#{else}no#end", "yes")
	f("#if($none)a#elseif($none == $null)b#{else}c#end", "b")
	f("#if('')a#end#if(0)b#end#if(false)c#end", "ab")
	// Directives.
	f("#if($n == 7)\nyes\n#else\nno\n#end\n.", "yes\n.")
	f("a\n  #set($x = 1)\nb$x", "a\nb1")
	f("#foreach($i in $list)$foreach.index$i$foreach.count#if($foreach.hasNext), #end#end", "0a1, 1b2, 2c3")
	f("#foreach($i in $map.keySet())$i#end#foreach($i in $map)$i#end#foreach($e in $map.entrySet())$e.key=$e.value;#end", "klv2k=v;l=2;")
	f("#foreach($i in [])x#{else}none#end#foreach($i in $none)x#end", "none")
	f("#foreach($i in [1..3])#foreach($j in [1..2])$foreach.parent.index$j#end #end", "0102 1112 2122 ")
	f("#foreach($i in [1..5])#if($i == 3)#break#end$i#end.", "12.")
	f("a#stop b", "a")
	f("#macro(hi $who)Hi $who!#end#hi('you') #hi($s)", "Hi you! Hi hello!")
	f("#macro(box)[$!bodyContent]#end#@box()in#end", "[in]")
	f("#macro(down $k)$k#if($k > 0)#set($j = $k - 1)#down($j)#end#end#down(2)", "210")
	f("#define($d)<$s>#end$d#set($s = 'new')$d", "<hello><new>")
	f("#evaluate('$s ' + '$n')#set($q = '$s')#evaluate($q)", "hello 7hello")
	f("#[[ $s #if ]]#", " $s #if ")
	f("a ## b\nc #* d\n *#e", "a c e")
	f("#foo #1 #", "#foo #1 #")
	f("\\#set \\#foo \\\\#if(true)x#end", "#set \\#foo \\x")
	f("#set($map.z = 3)$map.z#set($map['y'] = 4)$map.y#set($list[0] = 'z')$list", "34[z, b, c]")
	// Methods.
	f("$list.contains('b') $list.add('d') $list $list.remove(0) $list.isEmpty() $list.indexOf('c')", "true true [a, b, c, d] a false 1")
	f("$!map.put('z', 1)$map.containsKey('z') $map.size() $map.remove('z') $map", "true 3 1 {k=v, l=2}")
	f(`$s.replaceAll("l+", "<$0>") $s.replaceAll("(h)(e)", "$2$1") $s.matches("h.*o") $s.split("l").size()`, "he<ll>o ehllo true 3")
	f(`$s.indexOf("l") $s.lastIndexOf("l") $s.charAt(0) $s.contains("ell") $s.startsWith("he") $s.equals("hello")`, "2 3 h true true true")
	f("$n.toString().length() $n.intValue() $n.parseInt('12')", "1 7 12")
	// Values that came as JSON.
	f("$json $json.b[0].c $json.b.size() $json.b[2]", `{a=1, b=[{"c":true},null,2.5], s=x "y" é} true 3 2.5`)
}

func TestQuiet(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		got, err := render(t, Config{Quiet: true, MaxLoop: 3}, source)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", source, got, err, want)
		}
	}
	f("[$none] [$map.none] [$json.a.b]", "[] [] []")
	f("#if($none == '')y#end#if($none == $null)y#end#if('' == $none)y#end", "yyy")
	f("#foreach($i in [1..9])$i#end", "123")
}

func TestParseErrors(t *testing.T) {
	f := func(source, want string) {
		t.Helper()
		if _, err := Parse(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %s", source, err, want)
		}
	}
	f("a\n#if(true)", "line 2: #if is not ended")
	f("#end", "without a directive")
	f("#set($x = )", "expected an expression")
	f("#set($x 1)", "needs a =")
	f("#foreach($x of $y)#end", "needs in")
	f("#set($x = 'a)", "not ended")
	f("#set($x = [1, 2)", "expected ,")
	f("#parse('x')", "not supported")
	f(strings.Repeat("#if(true)", 1000), "too deep")
	f("#set($x = "+strings.Repeat("(", 1000), "too deep")
	f("#set($x = "+strings.Repeat("!", 1000), "too deep")
}

func TestRunaways(t *testing.T) {
	f := func(source string, want error) {
		t.Helper()
		if _, err := render(t, Config{MaxOutput: 1 << 16, MaxSteps: 100_000}, source); !errors.Is(err, want) {
			t.Errorf("%q: got %v, want %v", source, err, want)
		}
	}
	f("#foreach($i in [1..100000])aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa#end", ErrOutput)
	f("#set($l = [1..500])#foreach($i in $l)#foreach($j in $l)#end#end", ErrSteps)
	f("#set($x = 'aaaaaaaaaa')#foreach($i in [1..100])#set($x = $x + $x)#end", ErrOutput)
	f("#set($x = 'aaaaaaaaaa')#foreach($i in [1..100])#set($x = \"$x$x\")#end", ErrOutput)
	f("#foreach($i in [1..2000000000])#end", ErrSteps)
	f("#macro(a)#a()#end#a()", errDeep)
	f("#set($x = '#evaluate($x)')#evaluate($x)", errDeep)
	f("$s.repeat(1000000000)", ErrOutput)
	f("#define($d)$d#end$d", nil)
	f("#foreach($i in [1..100000])$list.add($list)#end", ErrOutput)
	f("#set($m = {})#set($m.m = $m)$m", nil) // a map within itself prints no more than it may
}

// FuzzRender holds that no template, however strange, runs away.
func FuzzRender(f *testing.F) {
	f.Add("#foreach($i in $list)$i.x[0].y('a', $n)#end#set($x = \"$s\")#if($x == 1 && !$y)#else#end")
	f.Add("#macro(m $a)$a#end#m(1)#define($d)x#end$d#evaluate('$d')#[[x]]##\n#**#\\$s ${x|1}")
	f.Fuzz(func(t *testing.T, source string) {
		render(t, Config{MaxOutput: 1 << 12, MaxSteps: 10_000}, source)
		render(t, Config{Quiet: true, MaxOutput: 1 << 12, MaxSteps: 10_000, MaxLoop: 10}, source)
	})
}

// FuzzJSON holds that what parses prints as JSON that parses to the same.
func FuzzJSON(f *testing.F) {
	f.Add(`{"a":[1,2.5,null,"x"],"b":{}}`)
	f.Fuzz(func(t *testing.T, source string) {
		v, err := ParseJSON(source)
		if err != nil {
			return
		}
		again, err := ParseJSON(JSON(v))
		if err != nil || !same(v, again) {
			t.Errorf("%q: got %s, %v", source, JSON(v), err)
		}
	})
}
