package sdk

import "testing"

// The layers that can be made are known by name, with the version in it.
func TestPublicLayers(t *testing.T) {
	for name, want := range map[string]string{
		"AWSLambdaPowertoolsPython":                    "",
		"AWSLambdaPowertoolsPythonV2":                  "V2",
		"AWSLambdaPowertoolsPythonV2-Arm64":            "V2",
		"AWSLambdaPowertoolsPythonV3-python313-x86_64": "V3",
		"AWSLambdaPowertoolsTypeScriptV2":              "V2",
		"LambdaAdapterLayerArm64":                      "",
		"LambdaInsightsExtension-Arm64":                "",
	} {
		if _, got, ok := publicOf(name); !ok || got != want {
			t.Errorf("publicOf(%q) = %q, %v, want %q", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "graphicsmagick", "AWSLambdaPowertoolsPythonV4", "MyLambdaInsightsExtension"} {
		if HasLayer(name) {
			t.Errorf("HasLayer(%q)", name)
		}
	}
}
