//! Calls and returns: twins take and give everything twice; other code gets what was compared.

use crate::duplicate::Duplication;
use crate::fault::Check;
use crate::ir::{Cursor, Value};

impl Duplication<'_, '_> {
    fn twin_of(&self, call: Value) -> Option<Value> {
        let is_direct = call.is_exact_direct_call() && !call.is_must_tail();
        if is_direct { self.twins.get(&call.callee()).copied() } else { None }
    }

    pub(crate) fn call(&mut self, call: Value) {
        if call.is_marker() {
            return;
        }
        if call.is_pure_intrinsic_call() {
            return self.compute(call);
        }
        if let Some(twin) = self.twin_of(call) {
            let Some(next) = call.next() else { return };
            self.replace_by_twin(call, twin, next);
            return;
        }
        self.check_call(call);
        if !call.is_must_tail() {
            self.copy(&Cursor::after(call), call);
        }
    }

    fn check_call(&mut self, call: Value) {
        let mut indices: Vec<_> = (0..call.argument_count()).collect();
        let callee = call.callee();
        if !callee.is_constant() && !callee.is_inline_asm() {
            // What is called is the last operand.
            indices.push(call.operand_count() - 1);
        }
        self.check_operands(call, &indices, Check::Call);
        if self.calls_hardened(callee) {
            call.drop_call_promises();
        } else if call.needs_direction() {
            // Nothing in hardened code looks at this flag, and memset of the C library would fill the wrong memory.
            Cursor::before(call).located_like(call).clear_direction(call.ty().void());
        }
    }

    fn calls_hardened(&self, callee: Value) -> bool {
        callee.is_function() && (callee.is_definition() || self.twins.contains_key(&callee))
    }

    /// Replaces a call by one of the twin, with both results from `at` on.
    fn replace_by_twin(&mut self, call: Value, twin: Value, at: Value) {
        let cursor = Cursor::before(call);
        let function = call.callee();
        let mut shadows = Vec::new();
        for index in 0..call.argument_count() {
            if !function.is_single_param(index) {
                shadows.push(self.shadow(&cursor, call.operand(index)));
            }
        }
        drop(cursor);
        let pair = twin.call_twin(call, &shadows);
        if call.is_used() {
            let cursor = Cursor::before(at).located_like(pair);
            let (value, shadow) = (cursor.extract(pair, 0), cursor.extract(pair, 1));
            call.replace_all_uses_with(value);
            self.shadows.of.insert(value, shadow);
            self.pairs.insert(value, pair);
        }
        call.erase();
    }

    pub(crate) fn invoke(&mut self, invoke: Value) {
        let normal = invoke.successor(0);
        let at = normal.first_insertion().filter(|_| normal.predecessor_count() == 1);
        if let (Some(twin), Some(at)) = (self.twin_of(invoke), at) {
            return self.replace_by_twin(invoke, twin, at);
        }
        self.check_call(invoke);
        match at {
            Some(at) => self.copy(&Cursor::before(at), invoke),
            None => self.shadows.unshadowed += u32::from(invoke.is_used()),
        }
    }

    pub(crate) fn ret(&mut self, ret: Value) {
        if ret.operand_count() == 0 {
            return;
        }
        let value = ret.operand(0);
        if !self.is_twin {
            return self.check_operands(ret, &[0], Check::Return);
        }
        let cursor = Cursor::before(ret);
        // The pair of a call goes on as it is, so that the call can be a jump.
        let known = self.pairs.get(&value).copied();
        let pair = known.unwrap_or_else(|| {
            let shadow = self.shadow(&cursor, value);
            let pair = cursor.insert_part(Value::zero(self.function.result_type()), value, 0);
            cursor.insert_part(pair, shadow, 1)
        });
        cursor.ret(Some(pair));
        drop(cursor);
        ret.erase();
    }
}
