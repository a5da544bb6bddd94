package states_test

import (
	"os"
	"strings"
	"testing"

	"github.com/aloft-cloud/aloft/internal/platformtest"
)

// quoted is a text within a string of JSON.
func quoted(text string) string {
	return strings.NewReplacer("\n", "", "\t", "", `\`, `\\`, `"`, `\"`).Replace(text)
}

// pass is a machine that gives a result.
func pass(comment, result string) string {
	return quoted(`{"Comment":"` + comment + `","StartAt":"State_1","States":{"State_1":{"Type":"Pass","Result":{"Arg1":"` + result + `"},"End":true}}}`)
}

// TestRecorded compares answers with those that AWS gave.
func TestRecorded(t *testing.T) {
	platformtest.Recording{
		Service: "stepfunctions",
		Texts: map[string]string{
			"ROLE":     "arn:aws:iam::111111111111:role/r",
			"MACHINE":  "arn:aws:states:us-east-1:111111111111:stateMachine:m",
			"ACTIVITY": "arn:aws:states:us-east-1:111111111111:activity:a",
			"PASS":     pass("BASE_PASS_RESULT", "argument1"),
			"PASS1":    pass("BASE_PASS_RESULT", "AfterUpdate1"),
			"PASS2":    pass("BASE_PASS_RESULT", "AfterUpdate2"),
			"FAIL":     quoted(`{"StartAt":"FailState","States":{"FailState":{"Type":"Fail","Error":"SomeFailure","Cause":"This state machines raises a 'SomeFailure' failure."}}}`),
			"WAIT":     quoted(`{"StartAt":"State_1","States":{"State_1":{"Type":"Wait","Seconds":3600,"End":true}}}`),
			"WAITPATH": quoted(`{"StartAt":"WaitState","States":{"WaitState":{"Type":"Wait","SecondsPath":"$.input.waitSeconds","End":true}}}`),
			"FAILPATH": quoted(`{"StartAt":"FailState","States":{"FailState":{"Type":"Fail","ErrorPath":"$.Error","CausePath":"$.Cause"}}}`),
			"MAPCATCH": quoted(`{"StartAt":"StartState","States":{"StartState":{"Type":"Pass","Result":{"arr":[1]},"Next":"MapState"},
				"MapState":{"Type":"Map","ItemsPath":"$.arr","MaxConcurrency":1,"ItemProcessor":{"StartAt":"HandleItemFail","States":{"HandleItemFail":{"Type":"Fail","Error":"HandleItemFailError","Cause":"HandleItemFailCause"}}},
					"Catch":[{"ErrorEquals":["HandleItemFailError"],"Next":"FinalCaught"}],"Next":"Final"},
				"FinalCaught":{"Type":"Pass","End":true},"Final":{"Type":"Pass","End":true}}}`),
			"MAP": quoted(`{"StartAt":"StartState","States":{"StartState":{"Type":"Pass","Result":{"arr":[1,"Hello",{},null,3.3,3,4,5]},"Next":"MapState"},
				"MapState":{"Type":"Map","ItemsPath":"$.arr","MaxConcurrency":1,"ResultPath":null,"ItemProcessor":{"StartAt":"HandleItem","States":{"HandleItem":{"Type":"Pass","End":true}}},"Next":"Final"},
				"Final":{"Type":"Pass","End":true}}}`),
			"PARALLELFAIL":  quoted(`{"StartAt":"ParallelState","States":{"ParallelState":{"Type":"Parallel","Branches":[{"StartAt":"Branch1","States":{"Branch1":{"Type":"Fail","Error":"FailureType"}}}],"End":true}}}`),
			"PARALLELCATCH": quoted(`{"StartAt":"ParallelState","States":{"ParallelState":{"Type":"Parallel","Branches":[{"StartAt":"Branch1","States":{"Branch1":{"Type":"Fail","Error":"FailureType","Cause":"Cause description"}}}],"Catch":[{"ErrorEquals":["FailureType"],"Next":"FinalCaught"}],"Next":"Final"},"FinalCaught":{"Type":"Pass","End":true},"Final":{"Type":"Pass","End":true}}}`),
		},
		Masks:   []string{"datetime", "timestamp", "creation-date", "snf_role_arn", "snf_role_arn_t0", "snf_role_arn_t1", "snf_role_arn_t2", "sfn_role_arn", "state_machine_name", "activity_arn", "activity_name", "sm_nonexistent_arn", "ssm_nonexistent_arn", "invalid_execution_arn"},
		Unknown: []string{"revisionId", "startDate", "stopDate"},
		Hidden:  []string{"encryptionConfiguration", "variableReferences"},
	}.Run(t, os.Getenv("ALOFT_VECTORS"), "testdata/recorded.steps")
}
