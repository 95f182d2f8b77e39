//! The hardening pass for `plugin.cpp`, which is what clang and opt load.
#![allow(unsafe_code, reason = "called from C++ with a module of LLVM and a text")]

use rcb_pass::{Options, Protection};
use std::ffi::{CStr, CString, c_char};

/// Hardens a module where it stands. Null when all went well, else why not: to be given to [`rcb_plugin_free`].
///
/// # Safety
/// `module` is a module of the LLVM that this library runs in and nobody else uses it meanwhile; `protection` is a text.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rcb_plugin_harden(module: rcb_pass::RawModule, protection: *const c_char) -> *mut c_char {
    // SAFETY: the caller's promise.
    let protection = unsafe { CStr::from_ptr(protection) }.to_string_lossy();
    let harden = || -> Result<(), String> {
        let protection: Protection = protection.parse().map_err(|error| format!("RCB_PROTECT: {error}"))?;
        // SAFETY: the caller's promise.
        unsafe { rcb_pass::harden_in_place(module, &Options::new(protection)) }.map_err(|error| error.to_string())?;
        Ok(())
    };
    // A panic must not go through frames of C++.
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(harden));
    let result = result.unwrap_or_else(|_| Err("the pass has failed".to_owned()));
    match result {
        Ok(()) => std::ptr::null_mut(),
        Err(reason) => CString::new(reason).unwrap_or_default().into_raw(),
    }
}

/// Gives the reason of a failure back.
///
/// # Safety
/// `text` comes from [`rcb_plugin_harden`] and has not been given back yet.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn rcb_plugin_free(text: *mut c_char) {
    if !text.is_null() {
        // SAFETY: made by `CString::into_raw` above.
        drop(unsafe { CString::from_raw(text) });
    }
}
